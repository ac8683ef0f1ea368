"""The parts of a workbook that are not rows: sheets' heads, styles, the list of sheets."""

from collections.abc import Iterable
from xml.sax.saxutils import escape

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

TIME_STYLE = 1
_HEADER_STYLE = 2
# Times are UTC; Excel shows milliseconds at most.
_STYLES = (
    f'{_XML}<styleSheet xmlns="{_MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss.000"/>'
    "</numFmts>"
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)
_WIDTHS = {"conversation_title": 30, "timestamp": 24, "message": 60}
_WIDTH = 18

SHEET_END = b"</sheetData></worksheet>"


def sheet_head(header: Iterable[str]) -> bytes:
    """All before the rows, and the row of the columns' names, which stays in view."""
    names = tuple(header)
    widths = "".join(
        f'<col min="{place}" max="{place}" width="{_WIDTHS.get(name, _WIDTH)}" customWidth="1"/>'
        for place, name in enumerate(names, 1)
    )
    cells = "".join(
        f'<c s="{_HEADER_STYLE}" t="inlineStr"><is><t>{escape(name)}</t></is></c>' for name in names
    )
    return (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        f"</sheetView></sheetViews><cols>{widths}</cols><sheetData><row>{cells}</row>"
    ).encode()


def sheet_name(number: int) -> str:
    """The sheet's part in the package."""
    return f"xl/worksheets/sheet{number}.xml"


def book_parts(sheets: int) -> dict[str, bytes]:
    """Name and content of all parts beside the sheets, of which there are so many."""
    numbers = range(1, sheets + 1)
    parts = {
        "xl/workbook.xml": _book(numbers),
        "xl/_rels/workbook.xml.rels": _book_relations(numbers),
        "xl/styles.xml": _STYLES,
        "_rels/.rels": _relations([("rId1", "officeDocument", "xl/workbook.xml")]),
        "[Content_Types].xml": _types(numbers),
    }
    return {name: text.encode() for name, text in parts.items()}


def _book(numbers: Iterable[int]) -> str:
    sheets = "".join(
        f'<sheet name="{_title(number)}" sheetId="{number}" r:id="rId{number}"/>'
        for number in numbers
    )
    return (
        f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><bookViews><workbookView/>'
        f"</bookViews><sheets>{sheets}</sheets></workbook>"
    )


def _title(number: int) -> str:
    return "Messages" if number == 1 else f"Messages {number}"


def _book_relations(numbers: Iterable[int]) -> str:
    sheets = [(f"rId{each}", "worksheet", f"worksheets/sheet{each}.xml") for each in numbers]
    return _relations([*sheets, ("rIdStyles", "styles", "styles.xml")])


def _relations(relations: Iterable[tuple[str, str, str]]) -> str:
    each = "".join(
        f'<Relationship Id="{name}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for name, kind, target in relations
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{each}</Relationships>'


def _types(numbers: Iterable[int]) -> str:
    sheets = "".join(
        f'<Override PartName="/{sheet_name(number)}" ContentType="{_TYPE}.worksheet+xml"/>'
        for number in numbers
    )
    return (
        f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
        f"{sheets}</Types>"
    )
