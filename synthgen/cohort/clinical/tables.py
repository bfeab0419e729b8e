"""The ten clinical tables of a block, from its patient and tumour rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthgen.cohort.clinical.course import tumours_of
from synthgen.cohort.clinical.draws import Draws
from synthgen.cohort.clinical.first_course import first_course
from synthgen.cohort.clinical.later_course import later_course
from synthgen.cohort.clinical.local import radiotherapy_rows, residual_tumour, surgery_rows
from synthgen.cohort.clinical.measurements import measurement_rows
from synthgen.cohort.clinical.specimens import biomarker_rows, panel_outcomes, pathology_rows
from synthgen.cohort.clinical.spread import metastasis_rows, outcome_rows
from synthgen.cohort.clinical.staging import staging_rows
from synthgen.cohort.clinical.systemic import drug_rows, line_columns, line_rows, remissions
from synthgen.cohort.clinical.templates import templates_for
from synthgen.cohort.columns import frame_of
from synthgen.schema.load import load_schema

if TYPE_CHECKING:
    import pandas as pd

    from synthgen.schema.model import Schema

#: Schema of a cohort with clinical tables.
SCHEMA = "rare-cancer@1.1.0"
#: Its first two tables are those of this schema, column by column.
CORE = "rare-cancer@1.0.0"


def clinical_schema() -> Schema:
    """The schema that has the clinical tables."""
    return load_schema(SCHEMA)


def clinical_tables(
    model_hash: str,
    seed: int,
    block: int,
    core: Mapping[str, pd.DataFrame],
    *,
    assumed: bool = True,
) -> dict[str, pd.DataFrame]:
    """Clinical tables of a block.

    Parameters
    ----------
    model_hash : str
    seed : int
    block : int
    core : mapping of str to pandas.DataFrame
        Frames ``patient`` and ``tumour`` of the block.
    assumed : bool
        Fill in what nobody published; without it such events and attributes are absent.

    Returns
    -------
    dict of str to pandas.DataFrame
        In the order of the schema.
    """
    schema = clinical_schema()
    templates = templates_for(assumed=assumed)
    tumours = tumours_of(core["patient"], core["tumour"], templates)
    draws = Draws(model_hash, seed, block)
    panels = panel_outcomes(tumours, templates, draws)
    course = first_course(tumours, templates, draws, panels)
    later = later_course(tumours, templates, course, draws, panels)
    lines = line_rows(tumours, templates, course, later, draws)
    residual = residual_tumour(tumours, templates, course, draws)
    lists = schema.code_lists
    made: dict[str, dict[str, Any]] = {
        "staging": staging_rows(tumours, templates, course, draws),
        "metastasis": metastasis_rows(tumours, templates, later, draws),
        "pathology": pathology_rows(
            tumours, templates, course, residual, draws, lists["morphology"]
        ),
        "biomarker": biomarker_rows(tumours, templates, panels, draws),
        "measurement": measurement_rows(core["patient"], tumours, templates[0], draws),
        "treatment_line": line_columns(tumours, templates, lines),
        "drug_exposure": drug_rows(tumours, templates, lines, lists["atc"]),
        "surgery": surgery_rows(tumours, templates, course, residual, draws),
        "radiotherapy": radiotherapy_rows(tumours, templates, course),
        "outcome": outcome_rows(tumours, templates, later, remissions(lines), draws),
    }
    return {
        name: frame_of(schema.table(name), columns, len(columns[schema.table(name).primary_key[0]]))
        for name, columns in made.items()
    }
