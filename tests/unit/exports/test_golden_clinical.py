"""Whole exports of the small clinical cohort to OMOP and FHIR, cell by cell, as they were accepted."""

import csv

import pytest

from synthgen.exports import export_cohort


@pytest.mark.parametrize("target", ["omop-5.4", "omop-5.3"])
def test_every_cell_of_an_omop_export_is_as_it_was(golden, clinical, tmp_path, target):
    """Each row as its filled cells, so that a person can read what changed."""
    folder = tmp_path / "out"
    export_cohort(clinical, target, folder)
    lines = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as opened:
            lines.append(f"# {path.name}")
            lines += [
                " | ".join(f"{name}={cell}" for name, cell in row.items() if cell)
                for row in csv.DictReader(opened)
            ]
    golden(f"exports/{target}.txt", "\n".join(lines) + "\n")


def test_every_resource_of_the_fhir_export_is_as_it_was(golden, clinical, tmp_path):
    folder = tmp_path / "out"
    export_cohort(clinical, "fhir-mcode", folder)
    text = "".join(
        f"# {path.name}\n{path.read_text(encoding='utf-8')}"
        for path in sorted(folder.glob("*.ndjson"))
    )
    golden("exports/fhir-mcode.txt", text)
