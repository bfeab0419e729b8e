"""The conformance check passes what is right and catches what is not."""

from dataclasses import replace

import pytest

from synthgen.enclave.engines import ENGINES
from synthgen.errors import RecordsError
from synthgen.testing import check_engine

#: Engines that save a model; those of the extra ``sdv`` are tried in tests/sdv.
HERE = [name for name, one in ENGINES.items() if one.fit is not None and one.extra != "sdv"]


@pytest.mark.parametrize("name", HERE)
def test_every_engine_does_what_an_engine_must(tmp_path, name):
    check_engine(ENGINES[name], tmp_path)


def test_an_engine_that_does_not_mark_its_model_is_caught(tmp_path):
    def silent(source, schema, destination, request):
        model = ENGINES["own"](source, schema, destination, request)
        return replace(model, pack=replace(model.pack, unprotected=False))

    with pytest.raises(AssertionError, match="marks what records went into"):
        check_engine(silent, tmp_path)


def test_an_engine_that_talks_is_caught(tmp_path):
    def talking(source, schema, destination, request):
        try:
            return ENGINES["own"](source, schema, destination, request)
        except RecordsError:
            found = set(source["patient"]["arm"]) - {"a", "b", "c"}
            raise RecordsError(f"arm: is {found}") from None

    with pytest.raises(AssertionError, match="says nothing of the values"):
        check_engine(talking, tmp_path)
