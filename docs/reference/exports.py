"""Writes ``exports.md`` from the mapping files: ``python docs/reference/exports.py``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from synthgen.exports.fhir import LOST  # noqa: E402
from synthgen.exports.mapping import TargetMapping  # noqa: E402
from synthgen.exports.omop_quality import quality_checks  # noqa: E402
from synthgen.exports.omop_tables import empty_tables  # noqa: E402
from synthgen.exports.read_back import left_empty, lost_columns  # noqa: E402
from synthgen.exports.targets import mapping_of, targets  # noqa: E402
from synthgen.schema.load import load_schema  # noqa: E402

HEAD = """# Exports

`synthgen export COHORT --to TARGET -o FOLDER` writes a cohort in the format that a program reads. This page is made from
the mapping files in `schemas/exports/` by `python docs/reference/exports.py`.

| target | what it is | files | options |
|---|---|---|---|
{targets}

`export.json` in the folder says what was written from which cohort, with the SHA-256 of every file; the notice that the
data are synthetic is copied. The same cohort gives the same bytes.

In a workbook codes are text, which stays text when a cell is edited; dates are dates, those before March 1900 text; nothing is a formula.
A table of more than 1,048,575 rows, or of very long ones, goes on in the sheets `name_2`, `name_3` ..., as drugs do from a little over 100,000 patients of
`kr-rare --clinical`. Excel takes minutes to open so many cells. The workbook and the SQLite file also have the invented names of `generate --names`.

With `--option bom=yes` the text targets make CSV files whose Korean text Excel reads on a double click. It still takes codes for numbers, as every
spreadsheet does with CSV: `soffice --headless --convert-to csv --outdir opened registry/CNCR_RGST.csv` (LibreOffice) turns `07` into `7` and `00000`
into `0`. Import such columns as text, or give people the workbook: of a cohort with all clinical tables LibreOffice gave every cell back, but for the
way that numbers are written (`75.0` as `75`).

`sqlite` and `excel` also take cohorts of [your own schema](../how-to/bring-your-own-schema.md): `--schema FOLDER` says where it lies, as `model/statistics/schema`.

A mapping file is data: it names columns, codes and dates of the schema, and can hold no code. A new target of this kind
is one JSON file of format `export/1` and one line in `synthgen/exports/targets.py`.
"""


def section(mapping: TargetMapping) -> str:
    """What a person who has read the standard must know."""
    lines = [
        f"\n## {mapping.id}: {mapping.title}",
        f"\n{mapping.title_ko}. Standard: {mapping.standard}. {mapping.licence}.",
        "\nDifferences to what a registry sends:\n",
        *(f"- {english}" for english, _ in mapping.differences),
    ]
    for table in mapping.tables:
        if not table.parts:
            lines.append(
                f"\n`{table.name}` has {len(table.columns)} columns and no rows: {table.empty}."
            )
            continue
        noted = [c for c in table.columns if c.note]
        empty = [c for c in table.columns if c.empty]
        stay = (
            f"{len(empty)} {'stays' if len(empty) == 1 else 'stay'} empty:"
            if empty
            else "none stays empty."
        )
        lines.append(f"\n`{table.name}` has {len(table.columns)} columns; {stay}")
        if empty:
            lines.append("\n| column | why it stays empty |\n|---|---|")
        why: dict[str, list[str]] = {}
        for column in empty:
            why.setdefault(column.empty, []).append(f"`{column.name}`")
        lines += [f"| {', '.join(names)} | {reason} |" for reason, names in why.items()]
        if noted:
            lines.append("\n| column | note |\n|---|---|")
            lines += [f"| `{c.name}` | {c.note} |" for c in noted]
    return "\n".join([*lines, *standard(mapping), *lost(mapping)]) + "\n"


def standard(mapping: TargetMapping) -> list[str]:
    """Which tables of OMOP stand empty in the DuckDB file, and why."""
    if mapping.form != "omop":
        return []
    why: dict[str, list[str]] = {}
    for table in empty_tables(mapping.version):
        why.setdefault(table.empty, []).append(f"`{table.name}`")
    return [
        "\n`omop.duckdb` has all tables of the standard's DDL; these are empty:\n",
        "| tables | why they are empty |\n|---|---|",
        *(f"| {', '.join(names)} | {reason} |" for reason, names in why.items()),
    ]


def lost(mapping: TargetMapping) -> list[str]:
    """What of a cohort cannot be read back from a target."""
    schema = load_schema("rare-cancer@1.1.0")
    gone = set(lost_columns(mapping, schema))
    whole = [t.name for t in schema.tables if {f"{t.name}.{c}" for c in t.column_names} <= gone]
    single = [f"`{n}`" for n in lost_columns(mapping, schema) if n.partition(".")[0] not in whole]
    tables = ", ".join(f"`{name}`" for name in whole)
    said = [f"the tables {tables}" if whole else "", ", ".join(single)]
    text = "; ".join(part for part in said if part) or "nothing"
    return [f"\nOf rare-cancer 1.1.0 cannot be read back from it, whole or at all: {text}."]


#: What cohorts of `kr-rare --clinical` have no value in: nothing is published, or a template has none.
UNFILLED = (
    "patient.nationality_code", "patient.income_quintile", "patient.occupation_code",
    "tumour.diagnosis_route", "tumour.stage_group", "pathology.nodes_examined",
    "pathology.nodes_positive", "pathology.mitotic_count", "pathology.necrosis",
    "treatment_line.max_toxicity_grade", "measurement.code=39156-5",
)  # fmt: skip


def unfilled() -> str:
    """Columns of targets that no cohort of the shipped model fills."""
    schema = load_schema("rare-cancer@1.1.0")
    lines = [UNFILLED_HEAD]
    for target in targets().values():
        if target.mapping is None:
            continue
        for name, sources in left_empty(target.mapping, schema, UNFILLED).items():
            told = ", ".join(f"`{source}`" for source in sources)
            lines.append(f"| `{target.id}` | `{name}` | {told} |")
    return "\n".join(lines) + "\n"


UNFILLED_HEAD = """
## Columns that wait for the model

The columns above that stay empty do so in every cohort. These can be filled, and are empty in cohorts of `kr-rare --clinical`, because the
model has no value in the column of the cohort that they come from; a model fitted to your own statistics or records fills them.
A test exports such a cohort and finds no other empty column.

| target | column | waits for |
|---|---|---|"""


def page() -> str:
    """The whole page."""
    rows = "\n".join(
        f"| `{t.id}` | {t.title} | {', '.join(f'`{f}`' for f in t.files)} | "
        f"{', '.join(f'`{k}={v}`' for k, v in t.options.items()) or 'none'} |"
        for t in targets().values()
    )
    mapped = (t.mapping for t in targets().values())
    sections = "".join(section(m) for m in mapped if m is not None)
    checks = quality_checks(mapping_of("omop-5.4"))
    kinds: dict[str, dict[str, int]] = {}
    for check in checks:
        counts = kinds.setdefault(check.category, {})
        counts[check.id] = counts.get(check.id, 0) + 1
    table = "\n".join(
        f"| {kind} | {', '.join(f'{name} ({count})' for name, count in counts.items())} |"
        for kind, counts in kinds.items()
    )
    gone = ", ".join(f"`{name}`" for name in LOST)
    rest = FHIR.format(checks=len(checks), kinds=table, lost=gone)
    return HEAD.format(targets=rows) + sections + unfilled() + METASTAT + rest + speed()


def speed() -> str:
    """Seconds of each target, as the benchmark measured them."""
    text = (HERE.parents[1] / MEASURED).read_text(encoding="utf-8")
    document = json.loads(text)
    machine, rows = document["machine"], document["rows"]
    kinds = list(rows)
    found = {(r["schema"], r["target"]): r for r in document["results"]}
    lines = [
        SPEED.format(
            patients=document["patients"],
            repeats=document["repeats"],
            model=document["model"],
            processor=machine["processor"],
            processors=machine["processors"],
            python=machine["python"],
            duckdb=machine["duckdb"],
            plain=rows[kinds[0]],
            clinical=rows[kinds[1]],
        )
    ]
    for target in targets():
        one, all_of = (found[kind, target] for kind in kinds)
        lines.append(
            f"| `{target}` | {one['cpu_seconds']:.1f} | {one['seconds']:.1f} | "
            f"{all_of['cpu_seconds']:.1f} | {all_of['seconds']:.1f} | {all_of['rows']:,} | "
            f"{all_of['peak_mib_of_all_processes']:,.0f} |"
        )
    return "\n".join(lines) + "\n"


MEASURED = "evaluation/benchmarks/results/export.json"

SPEED = """
## How fast

`python evaluation/benchmarks/bench_export.py` writes {patients:,} patients of `{model}` to every target: {plain:,} rows of patients and
tumours, and {clinical:,} rows with all clinical tables. Measured on an {processor} with {processors} cores, on which others worked at the same
time, so that the time on the clock is longer than on a machine of one's own and the processor time (CPU) is the fairer measure; the fewest seconds of {repeats} runs; Python {python},
DuckDB {duckdb}. Databases and most text targets use one core; the workbook and FHIR use two.

| target | CPU [s] | clock [s] | with `--clinical`: CPU [s] | clock [s] | rows | memory [MiB] |
|---|---:|---:|---:|---:|---:|---:|"""


METASTAT = """
## kcure-metastat: K-CURE meta-statistics tables

K-CURE 메타통계. Standard: K-CURE clinical library, github.com/k-cure/ClinicalLibrary 02aa90e (2024-06-03), 5.메타통계DB.
The repository states no licence; names of tables and columns are given as facts.

Counts of codes and of columns, over all years and by year, of the tables of the cohort (`--option tables=cohort`) or of
`kcure-rgst` and `kcure-ccld` (`--option tables=kcure`), with the definitions of both. `synthgen check FOLDER` and `synthgen tabulate FOLDER --schema S`
read such tables, of a cohort or of a hospital, as a statistics pack; `--schema kcure-rgst@1` for a hospital's.

Differences to what a hospital sends:

- TBL_ID and COL_ID are names. The published scripts write numbers (99010 for CNCR_RGST, 9901007 for its POPCODE), which are published
  for the registry, stomach and breast cancer only; `check` and `tabulate` understand those of the registry's coded columns.
- CNCR_TBL_SMRY_STATS is not made: each of its statistics is a script with a number and a name of its own (10001, number of stomach cancers:
  those with POPCODE 04), published for stomach and breast cancer only. Rare cancers share POPCODE 99 with all others, and no number is reserved for
  them. Its rows are counts by single year of age, sex and calendar year, which for a rare cancer are single patients.
- CNCR_TBL_META, CNCR_TBL_COL_META and CNCR_CODE_META define the tables, columns and codes that are counted, under those names. Classes of
  tables are K-CURE's, by what stands after the prefix; tables of the cohort have none. CNCR_RGST has class 01 01, as in the published
  CNCR_TBL_META; the published CNCR_TBL_COL_META writes 02 02 for it. CD_NM names the code list of a column (the published script leaves it empty).
  DOMN_NM is filled for columns with codes, where it is the name of the list; OPEN_YN stays empty, because its grades are explained nowhere. Common codes stand under hospital 99000,
  class 1; a cohort's own under the hospital of the option.
- STATS_WORK_YMD and CRTN_DT stay empty: data files carry no clock time. COLL_STRT_YMD and COLL_END_YMD are the first and the
  last day of the table, by its first date that is never missing; the year is that of this date, for `patient` that of
  the last contact.
- N4_QRTL_CNT is the largest value. Codes beyond the hundred most frequent of a column are cut, as they are there.
- The counts are of synthetic patients and are not protected; counts of a hospital are protected when they are read by
  `tabulate`, and not by `check`.
"""


FHIR = """
## fhir-mcode: FHIR R4, mCODE STU4

Profiles of the mCODE implementation guide 4.0.0 (HL7/fhir-mCODE-ig 543477b, CC0). SNOMED CT codes are used under the
licence of the country in which the files are used. One NDJSON file for each resource type; `--option bundles=10` adds
the resources of the first ten patients as one bundle each. Every resource carries the security label `HTEST`.

| of the cohort | becomes |
|---|---|
| patient | Patient (`mcode-cancer-patient`); vital status at last contact and cause of death as plain Observations |
| tumour | Condition (`mcode-primary-cancer-condition`), histology, grade, SEER summary stage |
| metastasis | Condition (`mcode-secondary-cancer-condition`) with its site |
| staging | Observation `mcode-tnm-stage-group` with its T, N and M as members; other systems `mcode-cancer-stage` |
| pathology | Specimen (`mcode-human-specimen`), grade, size, morphology; margin, nodes, mitoses and necrosis as plain Observations |
| biomarker | Observation `mcode-genomic-variant` (NGS, PCR, Sanger, FISH); stains and serum tests as plain Observations |
| measurement | Observation `mcode-ecog-performance-status`; others as plain Observations |
| drug_exposure, treatment_line | MedicationAdministration; best response as `mcode-cancer-disease-status` |
| surgery, radiotherapy | Procedure, with intent; the dose in cGy |
| outcome | Observation `mcode-cancer-disease-status` |

Differences to what a hospital sends:

- Conditions are coded in ICD-10 and ICD-O-3, not in SNOMED CT; mCODE's binding is extensible. A metastasis has the category
  of ICD-10 that its site belongs to (C78.0 of the lung), C79.8 where there is none of its own.
- Stage groups, T, N and M are text: no code of AJCC is shipped. The method is AJCC 7 or 8 where the staging table of
  rare-cancer 1.1 says so; of a registry's stage group it is UICC, edition not stated.
- Cohorts of rare-cancer 1.0 say that there was surgery or radiotherapy, not when or which: no code, and the date is
  `data-absent-reason` unknown; drugs are left out. Metastasis at diagnosis is ICD-10 C79.9, site not stated.
- Operations are coded in ICD-9-CM volume 3, drugs in ATC, which mCODE's US value sets (CPT, RxNorm) do not hold.
- Genes have their HGNC number and the marker as text, fusions one for each partner (`SSX` is a family and has none). A gene without a variant in HGVS has none.
- Conditions are active for ever: no resource says when a disease was over. The day of diagnosis stands as asserted date too.
- Vital status at the last contact and the cause of death are plain Observations, because Patient has no place for either.
- A line of treatment is held by its drugs (which name its number, its regimen and whether it was palliative) and by its best response.

Of rare-cancer 1.1.0 cannot be read back from it, whole or at all: {lost}. A test reads all other columns back from the files and
finds them unchanged.

The tests read every resource with `fhir.resources` (R4B) and hold it against the elements and codes that its profile
demands, and against the value sets that they are bound to; the HL7 validator, a Java program, is not run. By hand, every resource of
500 patients was held against the snapshots of the guide's own package (npm, hl7.fhir.us.mcode 4.0.0): numbers of elements, fixed
values and patterns outside of slices; nothing was missing but the category of stages, which has been there since.

## OMOP: are the tables good?

`synthgen check FOLDER --schema omop@5.4` (or `omop@5.3`) asks, of an export and of a delivery alike, what the standard's field list
says and what OHDSI's Data Quality Dashboard asks where it needs no vocabulary tables: {checks} questions for 5.4 about conformance,
completeness and plausibility. They are SQL files in `schemas/exports/omop-quality/` that DuckDB and PostgreSQL read; `checks.json`
says of which column each is asked. The tests load both versions into PostgreSQL with every type, primary and foreign key, and with
the concept ids as references to the short list in `schemas/exports/omop-concepts.csv`, each id with the OHDSI source where it was seen.

| kind | checks |
|---|---|
{kinds}

Achilles, the Data Quality Dashboard and ATLAS ask every table of the standard and want the vocabulary loaded. Unpack a download
from Athena and load each of its files into the table of its name, for example in DuckDB:

```sql
COPY concept FROM 'CONCEPT.csv' (DELIMITER '\\t', HEADER, QUOTE '', DATEFORMAT '%Y%m%d');
```

The eras are derived from standard concepts: OHDSI's scripts make them once the vocabulary is there and the export was made with
`--option athena=FOLDER`.
"""

if __name__ == "__main__":
    (HERE / "exports.md").write_text(page(), encoding="utf-8")
