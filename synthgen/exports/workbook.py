"""A workbook (SpreadsheetML in a zip file) that is written row by row and holds no clock time.

Parts and elements are those of ECMA-376, part 1, sections 12 and 18.  Cells are made by the
caller as text, so that a database can build millions of them at once.
"""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

LEVEL = 3
"""Of zlib: 10 % more bytes than its default, in a third of the time."""

GENERAL, TEXT, DATE = 0, 1, 2
"""Styles of cells, as in ``xl/styles.xml``."""

LONGEST_NAME = 31
"""Characters in the name of a sheet (Excel specifications and limits)."""

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"

#: Text has the format "@": an edited cell stays text, "01" does not become 1 and "=1" no formula.
_STYLES = f"""{_XML}<styleSheet xmlns="{_MAIN}">\
<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>\
<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts>\
<fills count="2"><fill><patternFill patternType="none"/></fill>\
<fill><patternFill patternType="gray125"/></fill></fills>\
<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>\
<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>\
<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>\
<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>\
<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/></cellXfs>\
<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>\
</styleSheet>"""


def letters(number: int) -> str:
    """Name of a column, from 1.

    Examples
    --------
    >>> letters(1), letters(26), letters(27), letters(703)
    ('A', 'Z', 'AA', 'AAA')
    """
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def escaped(text: str) -> str:
    """Text as it stands in an XML element or attribute.

    Examples
    --------
    >>> escaped('a<b> & "c"')
    'a&lt;b&gt; &amp; &quot;c&quot;'
    """
    marked = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return marked.replace('"', "&quot;")


@dataclass(frozen=True)
class SheetColumn:
    """A column of a sheet.

    Parameters
    ----------
    name : str
        What stands in its head.
    style : int
        Of its cells: :data:`GENERAL`, :data:`TEXT` or :data:`DATE`.
    """

    name: str
    style: int

    @property
    def width(self) -> int:
        """Characters that it shows: its name, and a whole date."""
        return max(11, len(self.name) + 2)


@dataclass
class Workbook:
    """A workbook that is being written.

    Parameters
    ----------
    archive : zipfile.ZipFile
    pool : ThreadPoolExecutor
        Of one thread, which compresses while the caller makes the next rows.
    names : list of str
        Of the sheets, in order.
    """

    archive: zipfile.ZipFile
    pool: ThreadPoolExecutor
    names: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def sheet(self, name: str, columns: Sequence[SheetColumn]) -> Iterator[Sheet]:
        """A further sheet, whose first row is the names of its columns and stays in view.

        Parameters
        ----------
        name : str
            At most :data:`LONGEST_NAME` characters, unlike that of any other sheet.
        columns : sequence of SheetColumn

        Yields
        ------
        Sheet
        """
        self.names.append(name)
        with self.archive.open(f"xl/worksheets/sheet{len(self.names)}.xml", "w") as part:
            sheet = Sheet(part, self.pool)
            sheet.append([_head(columns)], rows=1)
            yield sheet
            sheet.append([_foot(columns, sheet.rows)], rows=0)
            sheet.wait()

    def finish(self, title: str) -> None:
        """Write what tells a program which parts there are."""
        at = range(1, len(self.names) + 1)
        sheets = "".join(
            f'<sheet name="{escaped(name)}" sheetId="{n}" r:id="rId{n}"/>'
            for n, name in zip(at, self.names, strict=True)
        )
        parts = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>'
            for n in at
        )
        related = "".join(
            _relation(n, f"{_OFFICE}/worksheet", f"worksheets/sheet{n}.xml") for n in at
        )
        styles = _relation(len(self.names) + 1, f"{_OFFICE}/styles", "styles.xml")
        core = f"{_PACKAGE}/relationships/metadata/core-properties"
        texts = {
            "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_KIND}.styles+xml"/>'
            '<Override PartName="/docProps/core.xml" '
            'ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>'
            f"{parts}</Types>",
            "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            + _relation(1, f"{_OFFICE}/officeDocument", "xl/workbook.xml")
            + _relation(2, core, "docProps/core.xml")
            + "</Relationships>",
            "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
            ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f"<dc:title>{escaped(title)}</dc:title></cp:coreProperties>",
            "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
            f"<bookViews><workbookView/></bookViews><sheets>{sheets}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f"{related}{styles}</Relationships>",
        }
        for name, text in texts.items():
            with self.archive.open(name, "w") as part:
                part.write((_XML + text).encode())
        with self.archive.open("xl/styles.xml", "w") as part:
            part.write(_STYLES.encode())


@dataclass
class Sheet:
    """A sheet that is being written.

    Parameters
    ----------
    part : file
    pool : ThreadPoolExecutor
    rows : int
        Rows so far, with the head.
    characters : int
        Of the XML so far.
    """

    part: IO[bytes]
    pool: ThreadPoolExecutor
    rows: int = 0
    characters: int = 0
    _pending: Future[None] | None = None

    def append(self, texts: Sequence[str], rows: int | None = None) -> None:
        """Add ``row`` elements; compressed while the caller goes on.

        Parameters
        ----------
        texts : sequence of str
        rows : int, optional
            How many rows they are, if not one each.

        Raises
        ------
        OSError
            If those before could not be written.
        """
        self.wait()
        self.rows += len(texts) if rows is None else rows
        self.characters += sum(map(len, texts))
        self._pending = self.pool.submit(self._write, texts)

    def wait(self) -> None:
        """Wait until all is written.

        Raises
        ------
        OSError
            If it could not be.
        """
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def _write(self, texts: Sequence[str]) -> None:
        self.part.write("".join(texts).encode())


@contextlib.contextmanager
def new_workbook(path: Path, title: str) -> Iterator[Workbook]:
    """Workbook at ``path``, whole when the block ends.

    Parameters
    ----------
    path : Path
    title : str
        Title in the properties of the file.

    Yields
    ------
    Workbook

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive,
        ThreadPoolExecutor(1) as pool,
    ):
        book = Workbook(archive, pool)
        yield book
        book.finish(title)


def _relation(number: int, kind: str, target: str) -> str:
    return f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'


def _head(columns: Sequence[SheetColumn]) -> str:
    """What stands before the rows, and the first row."""
    widths = "".join(
        f'<col min="{n}" max="{n}" width="{c.width}" customWidth="1"/>'
        for n, c in enumerate(columns, start=1)
    )
    names = "".join(
        f'<c r="{letters(n)}1" s="{TEXT}" t="inlineStr"><is><t>{escaped(c.name)}</t></is></c>'
        for n, c in enumerate(columns, start=1)
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        '<selection pane="bottomLeft"/></sheetView></sheetViews>'
        f'<cols>{widths}</cols><sheetData><row r="1">{names}</row>'
    )


def _foot(columns: Sequence[SheetColumn], rows: int) -> str:
    """What stands after the rows; codes of digits are marked as meant to be text."""
    texts = " ".join(
        f"{letters(n)}2:{letters(n)}{max(rows, 2)}"
        for n, c in enumerate(columns, start=1)
        if c.style == TEXT
    )
    meant = f'<ignoredErrors><ignoredError sqref="{texts}" numberStoredAsText="1"/></ignoredErrors>'
    return f"</sheetData>{meant if texts else ''}</worksheet>"
