"""The how-to is executed: its files load, its programs print what it says."""

import contextlib
import io
import re
from pathlib import Path

from synthgen.schema.load import load_schema
from synthgen.schema.rules.parser import parse

DOCS = Path(__file__).resolve().parents[3] / "docs" / "how-to"
PAGE = DOCS / "bring-your-own-schema.md"
EXAMPLE = DOCS / "examples" / "sarcoma-surgery"


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_what_the_page_shows_of_a_file_stands_in_the_file():
    shown = re.findall(r"<!-- file: (\S+) -->\n```json\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(shown) == 7
    for name, excerpt in shown:
        assert squeezed(excerpt) in squeezed((EXAMPLE / name).read_text("utf-8")), name


def test_the_programs_print_what_the_page_says(monkeypatch):
    monkeypatch.chdir(DOCS)
    pieces = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert len(pieces) == 5
    names: dict[str, object] = {}
    for program, printed in pieces:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102  the page is ours
        assert out.getvalue() == printed


def test_the_example_has_end_points_with_competing_events():
    operation = load_schema(EXAMPLE).table("operation")
    assert [point.name for point in operation.end_points] == ["overall_survival", "relapse"]
    assert operation.end_points[1].competing == ("dead_without",)
    assert operation.column("size_mm").missing_codes == ("999",)


def test_the_page_explains_every_word_of_the_rule_language():
    page = PAGE.read_text("utf-8")
    examples = re.findall(r"^\| .* \| `(.*)` \|$", page.split("What a condition can say")[1], re.M)
    assert len(examples) == 9
    for example in examples:
        parse(example)
