"""A code of a published system says nothing about anybody, though its column holds text."""

from __future__ import annotations

from synthgen.privacy.rare_values import public_codes
from synthgen.schema.load import load_schema


def test_icd_10_codes_are_public_and_free_text_is_not():
    schema = load_schema("rare-cancer")
    for column in ("icd10", "death_cause_icd10"):
        codes, patterns = public_codes(schema, column)
        assert any(pattern.fullmatch("C499") for pattern in patterns)
        assert not codes & {"CANARY4711"}
        assert not any(pattern.fullmatch("CANARY4711") for pattern in patterns)
    assert public_codes(schema, "patient_id") == (set(), [])
