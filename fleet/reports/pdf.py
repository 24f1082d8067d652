"""Reports as PDF/UA: tagged, with a language, titles and alternative texts, so that everyone can read them.

No resource is fetched: fonts are the system's, pictures are made here.
Sources: PDF/UA-1 (ISO 14289-1) through WeasyPrint's ``pdf_variant``.
"""

import base64
from fractions import Fraction

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from fleet.reports.model import Cell, Column, Kind, Picture, Report
from fleet.reports.picture import svg
from fleet.web.format import duration, euros, moment, number, ratio

NUMERIC = (Kind.COUNT, Kind.PERCENT, Kind.DURATION, Kind.EUROS)
VERDICTS = {True: "tenu", False: "manqué", None: "—"}
VARIANT = "pdf/ua-1"


def pdf_of(report: Report) -> bytes:
    """Return the report as PDF/UA-1."""
    from weasyprint import HTML
    from weasyprint.urls import URLFetcher

    inline = URLFetcher(allowed_protocols=("data",), fail_on_errors=True)
    document = HTML(string=html_of(report), url_fetcher=inline)
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
    )


def show(cell: Cell, column: Column) -> str:
    """Return a cell as people read it."""
    if column.kind is Kind.VERDICT:
        return VERDICTS[None if cell is None else bool(cell)]
    if cell is None:
        return "—"
    match column.kind:
        case Kind.PERCENT:
            exact = Fraction(cell)
            text = ratio("fr", exact.numerator, exact.denominator)
        case Kind.DURATION:
            text = duration("fr", int(cell))
        case Kind.INSTANT:
            text = moment("fr", int(cell), seconds=True)
        case Kind.EUROS:
            text = euros("fr", int(cell))
        case Kind.COUNT:
            text = number("fr", int(cell))
        case Kind.TEXT:
            text = str(cell)
    return text


def _numeric(column: Column) -> bool:
    return column.kind in NUMERIC


def _inline(picture: Picture) -> Markup:
    drawn = base64.b64encode(svg(picture).encode()).decode()
    return Markup(f"data:image/svg+xml;base64,{drawn}")  # noqa: S704 - made here, base64
