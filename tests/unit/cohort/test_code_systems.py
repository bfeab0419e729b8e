"""Only codes that may be passed on are shipped, as many as the page on their terms says."""

import json
import re
from pathlib import Path

import pytest

import synthgen.exports.fhir
from synthgen.resources import data_root
from synthgen.schema.load import load_schema

SCHEMA = load_schema("rare-cancer@1.1.0")
FORMS = {
    "atc": r"[A-Z]\d{2}[A-Z]{2}\d{2}",
    "loinc": r"\d{3,5}-\d",
    "procedure": r"\d{2}\.\d{2}",
}
#: Identifiers of SNOMED CT have six to eighteen digits.
SNOMED = re.compile(r'"(\d{6,18})"')


def codes(name):
    return [c.code for c in SCHEMA.code_lists[name].codes]


@pytest.fixture(scope="module")
def page(root):
    path = root / "docs" / "reference" / "clinical.md"
    if not path.is_file():
        pytest.skip("this distribution holds no documentation")
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(("name", "form"), FORMS.items())
def test_codes_have_the_form_of_their_system(name, form):
    assert all(re.fullmatch(form, code) for code in codes(name))


def test_no_schema_and_no_template_holds_a_code_of_snomed_or_a_number_of_hemonc():
    folders = (data_root() / "schemas" / "rare-cancer", data_root() / "schemas" / "clinical")
    for path in sorted(p for folder in folders for p in folder.rglob("*.json")):
        text = path.read_text(encoding="utf-8")
        assert SNOMED.findall(text) == [], path.name
        assert "snomed.info" not in text, path.name
    for path in sorted(folders[1].glob("*.json")):
        for regimen in json.loads(path.read_text(encoding="utf-8")).get("regimens", {}).values():
            assert set(regimen) <= {
                "name", "drugs", "cycle_days", "cycles", "before", "source", "note", "response", "plan",
            }  # fmt: skip


def test_the_page_says_how_many_codes_of_each_system_there_are(page):
    assert f"the codes of {len(codes('atc'))} substances" in page
    assert "| LOINC |" in page
    assert len(codes("loinc")) == 9
    assert "nine codes, names in our own words" in page
    assert f"{len(codes('procedure'))} procedure codes" in page


def test_codes_of_snomed_are_in_the_fhir_export_alone_and_few(page):
    package = Path(synthgen.exports.fhir.__file__).parent
    found = {
        code
        for path in package.glob("fhir*.py")
        for code in SNOMED.findall(path.read_text("utf-8"))
    }
    others = [
        path.name
        for path in package.glob("*.py")
        if not path.name.startswith("fhir") and "snomed.info" in path.read_text("utf-8")
    ]
    assert others == []
    assert 0 < len(found) < 100
    assert "the FHIR export writes the few codes that the profiles of mCODE 4.0.0" in page
