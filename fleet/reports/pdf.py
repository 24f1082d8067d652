"""Reports as PDF/UA: tagged, with a language, titles and alternative texts, so that everyone can read them.

No resource is fetched: fonts are the system's, pictures are made here.
Sources: PDF/UA-1 (ISO 14289-1) through WeasyPrint's ``pdf_variant``.
"""

import base64
from fractions import Fraction

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from fleet.lang.format import duration, euros, moment, number, ratio
from fleet.reports.model import Cell, CellKind, Column, Picture, Report, Table
from fleet.reports.picture import BAD, GOOD, NONE, svg

NUMERIC = (CellKind.COUNT, CellKind.PERCENT, CellKind.DURATION, CellKind.EUROS)
VERDICTS = {True: "tenu", False: "manqué"}
VARIANT = "pdf/ua-1"
ROOM = {
    CellKind.TEXT: 15,
    CellKind.COUNT: 8,
    CellKind.PERCENT: 9,
    CellKind.DURATION: 10,
    CellKind.INSTANT: 14,
    CellKind.EUROS: 12,
    CellKind.VERDICT: 9,
}
"""How much of a line each kind of cell wants, beside the others."""


def pdf_of(report: Report) -> bytes:
    """Return the report as PDF/UA-1."""
    return pdf_of_page(html_of(report))


def pdf_of_page(page: str) -> bytes:
    """Return a page of HTML as PDF/UA-1; what it shows, it carries."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    inline = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    document = HTML(string=page, url_fetcher=inline)
    return bytes(document.write_pdf(pdf_variant=VARIANT))


def html_of(report: Report) -> str:
    """Return the page that the PDF is made of."""
    templates = Environment(
        loader=PackageLoader("fleet.reports"), autoescape=select_autoescape(["html"]), trim_blocks=True
    )
    page = templates.get_template("report.html")
    pictures = [
        {"source": _inline(picture), "alternative": picture.alternative, "title": picture.title}
        for picture in report.pictures
    ]
    return page.render(
        report=report,
        tables=[table.on_paper() for table in report.tables],
        pictures=pictures,
        show=show,
        numeric=_numeric,
        widths=_widths,
        colours={"good": GOOD, "bad": BAD, "none": NONE},
    )


def show(cell: Cell, column: Column, blank: str = "—") -> str:
    """Return a cell as people read it; ``blank`` for one without a value."""
    if cell is None:
        return blank
    if column.kind is CellKind.VERDICT:
        return cell if isinstance(cell, str) else VERDICTS[bool(cell)]
    match column.kind:
        case CellKind.PERCENT:
            exact = Fraction(cell)
            text = ratio("fr", exact.numerator, exact.denominator)
        case CellKind.DURATION:
            text = duration("fr", int(cell))
        case CellKind.INSTANT:
            text = moment("fr", int(cell), seconds=True)
        case CellKind.EUROS:
            text = euros("fr", int(cell))
        case CellKind.COUNT:
            text = number("fr", int(cell))
        case CellKind.TEXT:
            text = str(cell)
    return text


def _numeric(column: Column) -> bool:
    return column.kind in NUMERIC


def _widths(table: Table) -> list[str]:
    """Return the width of each column in percent: what people read as words gets room."""
    weights = [column.room or ROOM[column.kind] for column in table.columns]
    return [f"{100 * weight / sum(weights):.2f}" for weight in weights]


def _inline(picture: Picture) -> Markup:
    drawn = base64.b64encode(svg(picture).encode()).decode()
    return Markup(f"data:image/svg+xml;base64,{drawn}")  # noqa: S704 - made here, base64
