"""A whole picture: a part of a page, or a file of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from importlib.resources import files

from synthgen.messages import LANGUAGES
from synthgen.report.charts.svg import number
from synthgen.report.words import Html, Words, say

FOOT = 17.0
"""Height of the sentence of intended use under every picture [units of the view box]."""

FONTS = (
    'Pretendard,"Segoe UI","Noto Sans KR","Noto Sans CJK KR","Apple SD Gothic Neo",'
    '"Nanum Gothic","NanumGothic","Malgun Gothic",sans-serif'
)


@dataclass(frozen=True)
class Drawing:
    """One picture; the sentence of intended use stands under it, wherever it goes.

    Parameters
    ----------
    width, height : float
        Of the picture without that sentence [units of the view box].
    title, description : Words
        For people who hear it.
    content : str
        Elements, as :mod:`synthgen.report.charts.svg` writes them.
    """

    width: float
    height: float
    title: Words
    description: Words
    content: str

    def inline(self, named_by: str = "") -> Html:
        """The picture as a part of a page.

        Parameters
        ----------
        named_by : str
            Ids of the elements of the page that say what it shows; without them the title
            goes with the picture, in every language.
        """
        name = f' aria-labelledby="{escape(named_by)}"' if named_by else ""
        own = "" if named_by else _in_languages("title", self.title)
        at = f"x={number(self.width / 2)} y={number(self.height + 12)}"
        use = "".join(f"<use lang={x} href=#use-{x} {at} />" for x in LANGUAGES)
        box = f"0 0 {number(self.width)} {number(self.height + FOOT)}"
        return Html(
            f'<svg viewBox="{box}" role=img{name} class=figure>{own}{self.content}{use}</svg>'
        )

    def __html__(self) -> str:
        return self.inline()

    def file(self, language: str) -> str:
        """The picture as an SVG file in one language, with its colours in it.

        Returns
        -------
        str
            XML that browsers, text processors and converters to PDF read.
        """
        reader = _Reader(language)
        reader.feed(self.content)
        reader.close()
        title, told = (escape(w.in_language(language)) for w in (self.title, self.description))
        sentence = escape(say("intended_use.short").in_language(language))
        x, y = number(self.width / 2), number(self.height + 12)
        height = self.height + FOOT
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" xml:lang="{language}" class="figure" '
            f'viewBox="0 0 {number(self.width)} {number(height)}" '
            f'width="{number(self.width)}" height="{number(height)}" role="img">\n'
            f"<title>{title}</title>\n<desc>{told}</desc>\n<style>\n{_style()}</style>\n"
            f'<rect width="100%" height="100%" fill="#fff"/>\n{"".join(reader.written)}\n'
            f'<text class="use" text-anchor="middle" x="{x}" y="{y}">{sentence}</text>\n</svg>\n'
        )


def figure(
    width: float, height: float, title: Words, description: Words, content: Iterable[str]
) -> Drawing:
    """A picture of some elements."""
    return Drawing(width, height, title, description, "".join(content))


def defined() -> Html:
    """What all pictures of a page share; it stands once in it."""
    use = say("intended_use.short")
    sentences = "".join(
        f"<text id=use-{language} class=use text-anchor=middle>{escape(text)}</text>"
        for language, text in zip(LANGUAGES, use.texts, strict=True)
    )
    return Html(
        f"<svg class=vh aria-hidden=true><defs>{sentences}"
        "<marker id=c markerWidth=8 markerHeight=8 refX=4 refY=4 markerUnits=userSpaceOnUse>"
        '<path class=c d="M4 .6l3.4 3.4-3.4 3.4-3.4-3.4z"/></marker></defs></svg>'
    )


def _in_languages(name: str, words: Words) -> str:
    return "".join(
        f"<{name} lang={language}>{escape(text)}</{name}>"
        for language, text in zip(LANGUAGES, words.texts, strict=True)
    )


def _style() -> str:
    """The style sheet of pictures, for files that have no page around them."""
    text = (files("synthgen.report") / "templates" / "figures.css").read_text(encoding="utf-8")
    rules = [line.strip() for line in text.splitlines() if line.strip()]
    return "\n".join([f"svg {{ font-family: {FONTS}; }}", *rules]) + "\n"


class _Reader(HTMLParser):
    """Elements of a picture as XML: quoted, closed, and in one language."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self.language = language
        self.written: list[str] = []
        self._silent = 0

    def _opened(self, tag: str, attrs: list[tuple[str, str | None]], end: str) -> bool:
        language = dict(attrs).get("lang")
        if language not in {None, self.language}:
            return False
        kept = "".join(
            f' {name}="{escape(value or "")}"' for name, value in attrs if name != "lang"
        )
        self.written.append(f"<{tag}{kept}{end}>")
        return True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open an element, unless it or one around it is in another language."""
        if self._silent or not self._opened(tag, attrs, ""):
            self._silent += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        if not self._silent:
            self._opened(tag, attrs, "/")

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        if self._silent:
            self._silent -= 1
        else:
            self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """Text, unless it is in another language."""
        if not self._silent:
            self.written.append(escape(data))
