"""Every shipped model: sourced, fitted as stored to the pack that it carries, and small."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from synthgen.cohort.artefact import load_model
from synthgen.models.fit import fit_pack
from synthgen.resources import shipped
from synthgen.schema.load import load_schema
from synthgen.statistics.check import check_pack
from synthgen.statistics.model import Relation
from synthgen.statistics.read import read_pack

MODELS = sorted(shipped("fitted_models"))


@pytest.fixture(scope="module", params=MODELS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def pack(name):
    return read_pack(shipped("fitted_models")[name] / "statistics")


@pytest.fixture(scope="module")
def schema(pack):
    return load_schema(pack.schema)


@pytest.fixture(scope="module")
def stored(name):
    return load_model(name)


@pytest.fixture(scope="module")
def refitted(pack, schema):
    return fit_pack(pack, schema)


def test_estonia_is_shipped():
    assert {"ee-rare", "kr-demo", "kr-rare"} <= set(MODELS)


def test_the_pack_has_nothing_to_correct(pack, schema):
    found = [p for p in check_pack(pack, schema) if p.severity != "information"]
    assert [p.text() for p in found] == []


def test_every_table_cites_a_source_with_a_licence(name, pack):
    listed = (shipped("fitted_models")[name] / "SOURCES.md").read_text(encoding="utf-8")
    for table in pack.tables:
        source = pack.source_of(table)
        assert len(source.citation) > 20, table.name
        assert source.licence, table.name
        assert source.id in listed, table.name
        assert (table.relation is Relation.ASSUMED) == source.id.startswith("assumed-"), table.name


def test_a_refit_gives_the_stored_model(refitted, stored):
    again, before = refitted.distribution, stored.distribution
    assert again.domain == before.domain
    names = again.domain.names
    together = [(n,) for n in names] + list(pairwise(names))
    for pair in together:
        np.testing.assert_allclose(
            again.marginal(pair), before.marginal(pair), rtol=1e-4, atol=1e-8, err_msg=str(pair)
        )


def test_a_refit_says_of_each_value_what_the_stored_gap_says(refitted, stored):
    assert [g.statement for g in refitted.gaps] == [g.statement for g in stored.gaps]
    np.testing.assert_allclose(
        [g.fitted for g in refitted.gaps], [g.fitted for g in stored.gaps], rtol=1e-4, atol=1e-8
    )


def test_no_published_value_is_further_than_three_standard_errors(refitted):
    far = [
        g
        for g in refitted.gaps
        if g.statement.relation is Relation.PUBLISHED and abs(g.standard_errors) > 3
    ]
    assert [(g.statement.table, g.statement.row) for g in far] == []


def test_the_folder_stays_small(name):
    folder = shipped("fitted_models")[name]
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 2 * 1024**2
