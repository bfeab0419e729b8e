"""What one patient can change: at most what the ledger says, whatever the records are."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from synthgen.enclave.private.adaptive import Search, Start
from synthgen.enclave.private.prepare import prepared
from synthgen.enclave.private.questions import Question, candidates
from synthgen.enclave.private.settings import PrivateSettings
from synthgen.enclave.private.spending import RESOLUTION, Spender
from synthgen.enclave.settings import Settings
from synthgen.errors import PrivacyBudgetError, RecordsError
from synthgen.models.domain import Domain
from synthgen.models.noisy import NoisyModel
from synthgen.models.noisy_table import NoisyTable


def _without(frames, number):
    return {
        name: f[f["operation_no"] != number].reset_index(drop=True) for name, f in frames.items()
    }


def _most_visits(frames):
    return frames["visit"]["operation_no"].value_counts().index[0]


@pytest.mark.parametrize("rows", [1, 3])
def test_adding_one_patient_changes_no_answer_by_more_than_the_sensitivity(frames, binned, rows):
    settings = PrivateSettings(1.0, 1e-6, Settings(allow_repeated=True), {"visit": rows})
    fewer = _without(frames, _most_visits(frames))
    with prepared(frames, binned, settings) as one, prepared(fewer, binned, settings) as other:
        assert one.kept == other.kept == {"operation": 1, "visit": rows}
        assert one.schema == other.schema
        seen = 0.0
        for a, b in zip(one.units, other.units, strict=True):
            asked = [Question(()), *candidates(a, 2, 20_000)]
            assert asked[1:] == candidates(b, 2, 20_000)
            for question in asked:
                change = a.counted(question) - b.counted(question)
                distance = math.sqrt(float((change**2).sum()))
                assert distance <= one.kept[a.name] + 1e-9, question
                seen = max(seen, distance)
        assert seen > 0
        assert rows == 1 or seen > 1  # the bound is needed


def test_which_rows_of_a_patient_are_kept_is_a_matter_of_the_patient(frames, binned):
    settings = PrivateSettings(1.0, 1e-6, Settings(allow_repeated=True), {"visit": 1})
    turned = {n: f.sample(frac=1, random_state=1).reset_index(drop=True) for n, f in frames.items()}
    with prepared(frames, binned, settings) as one, prepared(turned, binned, settings) as other:
        for a, b in zip(one.units, other.units, strict=True):
            for question in candidates(a, 2, 20_000):
                assert (a.counted(question) == b.counted(question)).all()


def test_the_design_does_not_depend_on_the_records(frames, binned, settings):
    few = {n: f.iloc[:0] if n == "visit" else f.iloc[:3] for n, f in frames.items()}
    never = frames["operation"].assign(grade=None, margin=None)
    with prepared(frames, binned, settings) as whole:
        for other in (few, {"operation": never, "visit": frames["visit"]}):
            with prepared(other, binned, settings) as design:
                assert design.schema == whole.schema
                assert design.left_out == whole.left_out


def test_a_score_changes_by_no_more_than_its_sensitivity(frames, binned, settings, noise):
    fewer = _without(frames, _most_visits(frames))
    scores = []
    for source in (frames, fewer):
        with prepared(source, binned, settings) as ready:
            rows = ready.units[0]
            names = rows.own[:5]
            domain = Domain(tuple((n, rows.variables[n].codes) for n in rows.variables))
            kept = {n: np.arange(domain.size(n)) for n in domain.names}
            model = NoisyModel(domain, 391.0)
            name = domain.names[0]
            table = NoisyTable((name,), np.arange(1.0, 1 + domain.size(name)), 2.0, (None,))
            model.add([table])
            model.fit(0.1)
            asked = [q for q in candidates(rows, 3, 500) if set(q.names) <= set(names)]
            start = Start(domain, kept, None, frozenset(), {}, 1.0)
            search = Search(rows, start, model, asked, Spender(1.0, noise), 1)
            search._select(asked, 0.5, 4.0)
            scores.append(noise.asked[-1])
    change = np.abs(scores[0] - scores[1])
    assert 0 < change.max() <= 3 * RESOLUTION


def test_several_rows_of_one_patient_are_bounded_where_a_column_names_the_patient(frames, binned):
    operations = frames["operation"].assign(age=50)
    asked = Settings(allow_repeated=True)
    settings = PrivateSettings(1.0, 1e-6, asked, {"operation": 2}, patient="age")
    with prepared({"operation": operations}, binned, settings) as ready:
        assert ready.units[0].counted(Question(())).tolist() == [2]
    with (
        pytest.raises(PrivacyBudgetError, match="is no column of operation"),
        prepared(
            {"operation": operations},
            binned,
            PrivateSettings(1.0, 1e-6, asked, {"operation": 2}, patient="who"),
        ),
    ):
        pass


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"nowhere": 1}, "is no table of the records"),
        ({"visit": 0}, "must be 1 to"),
        ({"": 2}, "every row of it is a patient"),
    ],
)
def test_contributions_that_cannot_be_are_refused(frames, binned, rows, said):
    settings = PrivateSettings(1.0, 1e-6, Settings(allow_repeated=True), rows)
    with pytest.raises(PrivacyBudgetError, match=said), prepared(frames, binned, settings):
        pass


def test_neither_few_records_nor_alike_ones_are_refused_for_that(frames, binned, settings):
    few = {n: f.iloc[:2] for n, f in frames.items()}
    few["visit"] = frames["visit"].iloc[:0]
    with prepared(few, binned, settings) as ready:
        assert ready.units[0].counted(Question(())).tolist() == [2]
    alike = pd.concat([frames["operation"].iloc[:1]] * 5, ignore_index=True)
    alike["operation_no"] = [f"OP{i:04d}" for i in range(5)]
    with prepared({"operation": alike}, binned, settings) as ready:
        assert ready.units[0].counted(Question(())).tolist() == [5]


def test_a_record_that_breaks_its_schema_is_refused(frames, binned, settings):
    broken = frames["operation"].copy()
    broken.loc[0, "age"] = 999
    with (
        pytest.raises(RecordsError) as caught,
        prepared({"operation": broken, "visit": frames["visit"]}, binned, settings),
    ):
        pass
    assert "999" not in str(caught.value)
