"""What PDF/UA-1 asks of a document, read back by a library that did not write it (ISO 14289-1 §7)."""

import io

import pytest

from fleet.reports.monthly import monthly
from fleet.reports.names import Names
from fleet.reports.pdf import pdf_of
from fleet.reports.picture import pictures
from tests.unit.fleet.reports.test_reports import CARDS, GIVEN, TOLD

pytest.importorskip("pyhanko")


@pytest.fixture(scope="module")
def root():
    from pyhanko.pdf_utils.reader import PdfFileReader

    points = {card.insee: (0.7 + index / 10, 47.3) for index, card in enumerate(CARDS)}
    drawn = pictures(GIVEN, TOLD, {}, points, {"37": "Indre-et-Loire"})
    reader = PdfFileReader(io.BytesIO(pdf_of(monthly(GIVEN, TOLD, Names(), pictures=drawn))))
    return reader.root


def elements(node):
    """Every structure element below ``node``, in order of reading."""
    children = node.get("/K", [])
    for one in children if isinstance(children, list) else [children]:
        child = one.get_object() if hasattr(one, "get_object") else one
        if hasattr(child, "get") and "/S" in child:
            yield child
            yield from elements(child)


def test_the_document_is_tagged_named_and_in_french(root):
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "fr"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"pdfuaid" in root["/Metadata"].data
    assert "Disponibilité, octobre 2026".encode() in root["/Metadata"].data


def test_headings_tables_and_pictures_are_what_they_look_like(root):
    found = list(elements(root["/StructTreeRoot"]))
    kinds = [one["/S"] for one in found]
    assert kinds.count("/H1") == 1
    assert kinds.index("/H1") < kinds.index("/H2")
    assert kinds.count("/Table") >= 5
    heads = {one["/ID"] for one in found if one["/S"] == "/TH"}
    cells = [one["/A"]["/Headers"] for one in found if one["/S"] == "/TD"]
    assert cells
    assert all(named and set(named) <= heads for named in cells)
    figures = [one for one in found if one["/S"] == "/Figure"]
    assert figures
    assert all(str(one["/Alt"]).startswith("Carte. Indre-et-Loire") for one in figures)


def test_every_page_is_read_in_the_order_of_its_structure(root):
    pages = root["/Pages"]["/Kids"]
    assert all(page.get_object()["/Tabs"] == "/S" for page in pages)
