"""The Python API as people write it: the nouns and verbs of the command line, pandas frames."""

from __future__ import annotations

import pandas as pd
import pytest

import synthgen as sg
from synthgen.errors import UsageError


def test_a_cohort_is_three_words_away_and_holds_pandas_frames():
    c = sg.load_model("kr-rare").generate(5000, seed=7)
    assert isinstance(c["tumour"], pd.DataFrame)
    assert list(c) == ["patient", "tumour"]
    assert len(c["patient"]) == 5000 < len(c["tumour"]) < 5400
    assert c["tumour"]["patient_id"].isin(c["patient"]["patient_id"]).all()
    assert c["tumour"]["diagnosis_date"].dtype.kind == "M"
    assert str(c["tumour"]["age_at_diagnosis"].dtype) == "Int64"
    assert "patient 5,000" in repr(c)


def test_a_table_that_is_not_there_names_those_that_are():
    c = sg.load_model("kr-demo").generate(5, seed=7)
    with pytest.raises(UsageError, match="^cohort: has no table tumor; it has patient, tumour$"):
        c["tumor"]


def test_every_public_name_exists():
    for name in sg.__all__:
        assert getattr(sg, name) is not None
    assert set(sg.__all__) <= set(dir(sg))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        sg.nothing  # noqa: B018


def test_what_a_console_prints_of_a_public_type_fits_on_a_line():
    model = sg.load_model("kr-demo")
    assert repr(model.schema) == "<Schema rare-cancer@1.0.0: patient, tumour>"
    assert repr(model.pack).startswith("<StatisticsPack kr-demo 1.0.0: 85 tables")
    assert len(repr(model)) < 100
