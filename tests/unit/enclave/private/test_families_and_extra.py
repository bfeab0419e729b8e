"""Families before their members, and the library of the noise before anything else."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from synthgen.enclave.private.allocation import shared_out
from synthgen.enclave.private.questions import Question, candidates, families_of, wanted_questions
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.private.tabulate import tabulate_private
from synthgen.enclave.settings import Settings
from synthgen.errors import MissingExtraError
from synthgen.schema.load import load_schema


@pytest.fixture(scope="module")
def entities():
    """Rows of tumours whose entity has families, as far as questions look at them."""
    schema = load_schema("rare-cancer")
    entity, sex = schema.variable("entity"), schema.variable("sex")
    table, _, column = entity.column.partition(".")
    families = families_of(entity, schema.table(table).column(column).codes)
    assert families is not None
    sizes = {"sex": len(sex.categories), "entity": len(entity.categories)}

    def cells(question: Question) -> int:
        found = 1
        for name in question.names:
            in_family = name in question.by_family
            found *= len(families.labels) if in_family else sizes[name]
        return found

    return SimpleNamespace(
        variables={"sex": sex, "entity": entity},
        families={"entity": families},
        context=(),
        own=("sex", "entity"),
        cells=cells,
    )


def test_every_code_is_in_one_family(entities):
    families = entities.families["entity"]
    codes = entities.variables["entity"].codes
    assert [c for m in families.members.values() for c in m] != []
    assert sorted(c for m in families.members.values() for c in m) == sorted(codes)
    for code, at in zip(codes, families.positions, strict=True):
        assert code in families.members[families.labels[at]]
    assert 1 < len(families.labels) < len(codes)


def test_a_variable_without_families_has_none(entities):
    assert families_of(entities.variables["sex"], None) is None


def test_a_plan_is_counted_by_family_first(entities):
    asked = wanted_questions(entities, [((), ("sex", "entity"))])
    assert asked == [Question(("sex", "entity"), ("entity",)), Question(("sex", "entity"))]
    assert entities.cells(asked[0]) < entities.cells(asked[1])
    assert asked[0].label == "sex,family of entity"


def test_without_a_plan_both_can_be_asked(entities):
    asked = candidates(entities, 2, 10_000)
    assert Question(("sex", "entity"), ("entity",)) in asked
    assert Question(("entity",), ("entity",)) not in asked
    assert not candidates(entities, 2, 1)


def test_what_is_shared_out_is_the_budget_and_no_other_share_has_less_error():
    cells, sensitivities = [8, 100, 3], [1.0, 2.0, 1.0]
    shares = shared_out(0.5, cells, sensitivities)
    assert sum(shares) == pytest.approx(0.5)

    def error(parts):
        return sum(c * s / r**0.5 for c, s, r in zip(cells, sensitivities, parts, strict=True))

    for a in range(3):
        other = list(shares)
        other[a] += 0.001
        other[(a + 1) % 3] -= 0.001
        assert error(other) > error(shares)


def test_without_its_library_nothing_is_asked_and_nothing_spent(
    frames, binned, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, "opendp.domains", None)
    budget = tmp_path / "budget.json"
    settings = PrivateSettings(1.0, 1e-6, Settings(), budget=budget)
    with pytest.raises(MissingExtraError, match="extra dp") as caught:
        tabulate_private(frames, binned, settings)
    assert caught.value.exit_code == 16
    assert not budget.exists()
