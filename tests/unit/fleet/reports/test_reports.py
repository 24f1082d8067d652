"""Reports: typed cells, French spreadsheets, a page for everyone, and the contract's own totals."""

import csv
import io
import re
import zipfile
import zlib
from dataclasses import replace
from fractions import Fraction

import pytest
from openpyxl import load_workbook

from agent.wire.paths import PATHS
from fleet.availability.reckoning import reckon
from fleet.facts.model import DeliveredFact, Maintenance
from fleet.facts.states import CommuneState, GatewayState
from fleet.reports.deployment import (
    CALLS_CENTS,
    DEPARTEMENT_CENTS,
    EPCI_CENTS,
    EPCI_GATEWAY_CENTS,
    GATEWAY_CENTS,
    PLAN,
    SMO_CENTS,
    TOTAL_CENTS,
    Deployed,
    deployment,
)
from fleet.reports.model import CellKind, Column, Report, Table
from fleet.reports.monthly import monthly
from fleet.reports.names import Names, TicketSpan
from fleet.reports.pdf import html_of, pdf_of
from fleet.reports.picture import pictures, svg
from fleet.reports.sheets import csv_archive, csv_of, xlsx_of
from fleet.simulation.network import network_month

MONTH = network_month(gateways=12, communes=4, troubles=150, month="2026-10").given
CARDS = tuple(
    replace(card, name=f"Commune {card.insee}", epci=f"CC {index % 2}", departement="37")
    for index, card in enumerate(MONTH.communes)
)
GIVEN = replace(MONTH, communes=CARDS)
TOLD = reckon(GIVEN)
REPORT = monthly(GIVEN, TOLD, Names(gateways={"0016c00100000000": "Église"}))


def table(report, name):
    return next(one for one in report.tables if one.name == name)


def test_the_worst_commune_comes_first():
    rows = table(REPORT, "communes").rows
    shares = [row[3] for row in rows]
    assert shares == sorted(shares)
    assert {row[0] for row in rows} == {card.insee for card in CARDS}


def test_lost_time_by_cause_adds_up():
    lost = sum(row[2] for row in table(REPORT, "causes").rows)
    assert lost == sum(row[5] for row in table(REPORT, "communes").rows)
    assert sum(row[3] for row in table(REPORT, "causes").rows) == 1


def test_every_outage_is_listed():
    outages = table(REPORT, "coupures").rows
    assert sum(row[3] for row in outages) == sum(row[5] for row in table(REPORT, "communes").rows)
    assert [row[1] for row in outages] == sorted(row[1] for row in outages)


def test_an_outage_names_the_tickets_that_were_about_its_gateway_then():
    span = next(
        one for line in TOLD.communes.values() for one in line.exceptions if one.state is CommuneState.LOST
    )
    known = (
        TicketSpan(number=9, since_us=span.start_us + 1, until_us=None),
        TicketSpan(number=4, since_us=span.start_us - 5, until_us=span.start_us + 1),
        TicketSpan(number=2, since_us=span.start_us - 5, until_us=span.start_us),
        TicketSpan(number=3, since_us=span.end_us, until_us=None),
    )
    rows = table(monthly(GIVEN, TOLD, Names(tickets={span.eui: known})), "coupures").rows
    tickets = {row[11] for row in rows if row[1] <= span.start_us and span.end_us <= row[2]}
    assert "n°\u00a04, n°\u00a09" in tickets


def test_a_maintenance_is_listed_with_what_it_took_out():
    eui, one = next(iter(GIVEN.facts.gateways.items()))
    span = TOLD.lines[eui].exceptions[0]
    works = Maintenance(
        id="M-1",
        euis=(eui,),
        start_us=span.start_us,
        end_us=span.end_us,
        announced_at_us=0,
        approved_by="exploitation",
        recorded_at_us=0,
    )
    gateways = {**GIVEN.facts.gateways, eui: replace(one, maintenances=(works,))}
    given = replace(GIVEN, facts=replace(GIVEN.facts, gateways=gateways))
    (row,) = table(monthly(given, reckon(given), Names()), "exclusions").rows
    assert (row[0], row[4], row[5], row[7]) == ("M-1", "exploitation", 1, span.length_us)


def test_the_report_of_one_epci_has_its_communes_only():
    report = monthly(GIVEN, TOLD, Names(), epci="CC 1")
    assert {row[2] for row in table(report, "communes").rows} == {"CC 1"}
    with pytest.raises(ValueError, match="CC 9"):
        monthly(GIVEN, TOLD, Names(), epci="CC 9")


def test_a_csv_opens_in_a_french_spreadsheet():
    made = csv_of(table(REPORT, "communes"))
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(made.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][3] == "Disponibilité (%)"
    exact = table(REPORT, "communes").rows[0][3]
    assert Fraction(rows[1][3].replace(",", ".")) <= exact * 100 < Fraction(rows[1][3].replace(",", ".")) + 1


def test_no_cell_is_a_formula():
    bad = Table(name="x", title="x", columns=(Column(title="a"),), rows=(("=cmd()",), ("-1",)))
    assert csv_of(bad).decode("utf-8-sig").splitlines()[1:] == ["'=cmd()", "'-1"]
    report = Report(title="t", subtitle="s", sentences=(), tables=(bad,))
    assert load_workbook(io.BytesIO(xlsx_of(report)))["x"]["A2"].value == "'=cmd()"


def test_a_workbook_has_numbers():
    book = load_workbook(io.BytesIO(xlsx_of(REPORT)))
    sheet = book["communes"]
    assert isinstance(sheet["D2"].value, float)
    assert sheet["D2"].value <= float(table(REPORT, "communes").rows[0][3])
    assert book.sheetnames[0] == "synthese"


def test_equal_reports_are_equal_archives():
    assert csv_archive(REPORT) == csv_archive(REPORT)
    names = zipfile.ZipFile(io.BytesIO(csv_archive(REPORT))).namelist()
    assert names == ["synthese.csv", *(f"{one.name}.csv" for one in REPORT.tables)]


def test_a_table_with_a_row_too_short_is_our_mistake():
    with pytest.raises(ValueError, match="1 cells for 2"):
        Table(name="x", title="x", columns=(Column(title="a"), Column(title="b")), rows=(("1",),))


def test_paper_counts_what_it_leaves_out():
    columns = (Column(title="a"), Column(title="b", sheet_only=True))
    long = Table(name="x", title="x", columns=columns, rows=(("1", "2"),) * 5, paper_rows=3)
    paper = long.on_paper()
    assert (len(paper.rows), len(paper.columns)) == (3, 1)
    assert "2 autres lignes" in paper.note


def test_the_page_escapes_what_people_typed():
    report = monthly(GIVEN, TOLD, Names(network="<script>"))
    assert "<script>" not in html_of(report)


def test_maps_hatch_what_is_below_the_promise():
    square = {"type": "Polygon", "coordinates": [[[0.0, 47.0], [0.1, 47.0], [0.1, 47.1], [0.0, 47.0]]]}
    polygons = {card.insee: square if index else None for index, card in enumerate(CARDS)}
    points = {card.insee: (0.05, 47.05) for card in CARDS}
    (picture,) = pictures(GIVEN, TOLD, polygons, points, {"37": "Indre-et-Loire"})
    drawn = svg(picture)
    assert drawn.count("<path") == len(CARDS) - 1
    assert drawn.count("<circle") == 1
    below = sum(area.verdict is False for area in picture.areas)
    assert drawn.count("url(#h)") == below
    assert f"engagement manqué dans {below} des {len(CARDS)} communes" in picture.alternative


@pytest.mark.slow
def test_a_pdf_for_everyone():
    small = replace(REPORT, tables=REPORT.tables[:2])
    made = pdf_of(small)
    assert made.startswith(b"%PDF")
    inside = b"".join(_inflated(made))
    assert b"pdfuaid:part" in inside
    assert b"/StructTreeRoot" in inside
    assert b"/Lang" in inside


def _inflated(pdf):
    yield pdf
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(stream)
        except zlib.error:
            yield stream


def test_the_totals_of_the_convention():
    """MISSION, "The deployment": every row of it."""
    assert 11 * GATEWAY_CENTS == TOTAL_CENTS
    assert EPCI_CENTS + DEPARTEMENT_CENTS + SMO_CENTS == TOTAL_CENTS
    assert sum(CALLS_CENTS.values()) == EPCI_CENTS
    assert CALLS_CENTS[2025] == EPCI_GATEWAY_CENTS
    assert CALLS_CENTS[2026] == 8 * EPCI_GATEWAY_CENTS + 3
    by_year = {year: sum(plan.get(year, 0) for plan in PLAN.values()) for year in (2025, 2026, 2027)}
    assert by_year == {2025: 1, 2026: 8, 2027: 2}


def test_deployment_shows_plan_beside_registry():
    report = deployment(
        [
            Deployed(
                commune="Vouvray",
                status="accepted",
                accepted_year=2026,
                agreements_given=2,
                agreements_asked=3,
            )
        ]
    )
    rows = {row[0]: row for row in table(report, "avancement").rows}
    assert rows["Vouvray"] == ("Vouvray", 0, 1, 0, 1, 1, 1, 2, 3)
    assert rows["Véretz"][4] == 0
    assert rows["Total"][1:6] == (1, 8, 2, 11, 1)
    assert table(report, "appels").columns[3].kind is CellKind.EUROS


def test_the_paths_in_use_are_named_with_what_each_can_lose():
    members = sorted({one.eui for one in GIVEN.facts.memberships})
    kinds = dict.fromkeys(members[2:], "chirpstack_mqtt") | dict.fromkeys(members[:2], "semtech_udp")
    report = monthly(GIVEN, TOLD, Names(paths=kinds | {"0016c001ffffffff": "basics_station"}))
    assert table(report, "chemins").rows == (
        (PATHS["chirpstack_mqtt"][0], len(members) - 2),
        (PATHS["semtech_udp"][0], 2),
    )
    assert "derrière un pont, ce que ChirpStack manque est perdu" in html_of(report)


def test_late_frames_and_those_that_a_neighbour_made_old_are_counted_by_gateway():
    members = {one.eui for one in GIVEN.facts.memberships}
    held = {
        eui: span
        for eui, line in TOLD.lines.items()
        for span in line.spans
        if span.state is GatewayState.BUFFERING and eui in members
    }
    gateways = {
        eui: replace(facts, delivered=(delivered(eui, held[eui]),)) if eui in held else facts
        for eui, facts in GIVEN.facts.gateways.items()
    }
    given = replace(GIVEN, facts=replace(GIVEN.facts, gateways=gateways))
    rows = {row[0]: row[-2:] for row in table(monthly(given, TOLD, Names()), "passerelles").rows}
    assert {eui for eui, (late, _) in rows.items() if late} == set(held) != set()
    assert all(rows[eui][0] == 60 for eui in held)
    assert any(refused for _, refused in rows.values())


def delivered(eui, span):
    """Sixty frames that were received while the server was away, and delivered afterwards."""
    return DeliveredFact(
        eui=eui,
        boot=1,
        seq=1,
        connector="lns",
        received_from_us=span.start_us,
        received_until_us=span.end_us,
        acked_at_us=span.end_us,
        frames=60,
        dropped=0,
        recorded_at_us=span.end_us,
    )
