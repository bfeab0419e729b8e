"""A schema that is written and loaded again is the same schema."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthgen.schema.load import load_schema
from synthgen.schema.model import Category, Schema, Variable
from synthgen.schema.rules import structural_zeros
from synthgen.schema.write import write_schema

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/how-to/examples/sarcoma-surgery"
MISSING = Category("missing", "Missing", "결측", means="missing")


def extended(schema: Schema, *variables: Variable) -> Schema:
    return replace(schema, variables=(*schema.variables, *variables))


@pytest.mark.parametrize("name", [EXAMPLE, "rare-cancer"], ids=["example", "rare-cancer"])
def test_a_schema_that_is_written_is_loaded_equal(tmp_path, name):
    schema = load_schema(name)
    write_schema(schema, tmp_path / "s")
    assert load_schema(tmp_path / "s") == schema


def test_bins_of_dates_and_missing_categories_survive_writing(tmp_path):
    bins = (Category("0-29", "0-29", "0-29", 0, 30), Category("30+", "30+", "30+", 30, np.inf))
    schema = extended(
        load_schema(EXAMPLE),
        Variable(
            "wait",
            "Wait",
            "대기",
            (*bins, MISSING),
            "operation.surgery_date",
            "days",
            unit_ko="일",
            since="operation.biopsy_date",
            bins_from="records",
        ),
        Variable(
            "relapse_time",
            "Relapse",
            "재발",
            (*bins, Category("equal", "The same value", "같은 값", means="equal")),
            "operation.months_to_relapse",
            not_above="operation.months_followed",
        ),
    )
    write_schema(schema, tmp_path / "s")
    assert load_schema(tmp_path / "s") == schema


def test_what_is_missing_breaks_no_rule_and_no_implication():
    schema = load_schema(EXAMPLE)
    status = schema.variable("status")
    with_missing = replace(
        status, name="status_or_missing", categories=(*status.categories, MISSING)
    )
    zeros = structural_zeros(extended(schema, with_missing), ("relapse", "status_or_missing"))
    assert zeros.tolist()[3] == [True, False, False]  # dead_without: only alive is impossible
