"""The monthly report of the demo's territory over a simulated October, as files to look at.

    python -m tests.unit.fleet.reports.demo_month FOLDER
    pdftoppm -r 80 -png FOLDER/rapport.pdf docs/images/rapport

writes rapport.pdf (and .xlsx, .csv.zip, .json) into FOLDER; the same seed gives the same month.
"""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from demo.network import DOCUMENT
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult, reckon
from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.model import Maintenance
from fleet.facts.months import closes_at_us
from fleet.objects.connectivity import DayCount, connectivity
from fleet.reports.model import Report
from fleet.reports.monthly import monthly
from fleet.reports.names import MonthShare, Names, TicketSpan
from fleet.reports.outages import outages_of
from fleet.reports.store import DEPARTEMENTS, Form, file_of
from fleet.reports.terms import Terms
from fleet.simulation.network import network_month

TROUBLES = 420
EPCI = "Touraine-Est Vallées"


def demo_month() -> tuple[MonthInput, MonthResult, dict[str, str]]:
    """Return the month, its figures and the names of the gateways."""
    registry = json.loads(DOCUMENT.read_text("utf-8"))
    communes, gateways = registry["communes"], registry["gateways"]
    made = network_month(
        gateways=len(gateways), communes=len(communes), troubles=TROUBLES, month="2026-10", seed=41
    ).given
    cards = {
        card.insee: CommuneCard(
            insee=one["insee"],
            name=one["name"],
            epci=EPCI,
            departement=one["departement"],
            population=one["population"],
        )
        for card, one in zip(made.communes, communes, strict=True)
    }
    members = tuple(
        replace(one, commune_insee=cards[one.commune_insee].insee) for one in made.facts.memberships
    )
    names = dict(zip(sorted(made.facts.gateways), (one["name"] for one in gateways), strict=True))
    given = replace(
        made,
        as_of_us=closes_at_us(made.month),
        communes=tuple(sorted(cards.values(), key=lambda card: card.insee)),
        facts=replace(made.facts, memberships=members, gateways=_with_works(made)),
    )
    return given, reckon(given), names


def _with_works(made: MonthInput) -> dict:
    """Give two gateways announced works in the second week."""
    gateways = dict(made.facts.gateways)
    start_us = made.window.start_us + 9 * 24 * HOUR_US
    for number, eui in enumerate(sorted(gateways)[:2], start=1):
        works = Maintenance(
            id=f"T-{number}",
            euis=(eui,),
            start_us=start_us + number * HOUR_US,
            end_us=start_us + (number + 2) * HOUR_US,
            announced_at_us=start_us - 96 * HOUR_US,
            approved_by="Val de Loire Numérique",
            reason="remplacement d’une batterie",
            recorded_at_us=start_us - 96 * HOUR_US,
        )
        gateways[eui] = replace(gateways[eui], maintenances=(works,))
    return gateways


def demo_report() -> Report:
    """Return the report of the territory: version 1, with twelve months of trend and its objects."""
    given, result, names = demo_month()
    trend = [
        MonthShare(
            month=f"{2025 + (9 + step) // 12}-{(9 + step) % 12 + 1:02d}",
            version="version 1",
            share=Fraction(999_990 - 37 * (step * step % 11), 1_000_000),
            below=int(step % 5 == 3),
            covered=len(given.communes),
            held=step % 5 != 3,
        )
        for step in range(12)
    ]
    days = [
        DayCount(
            day=f"2026-10-{day:02d}",
            objects=2_410,
            heard=2_260 - day * 3,
            heard_fortnight=2_340,
            heard_month=2_300 + day * 2,
            frames=31_000 * day,
            frames_redundant=25_100 * day,
            events=True,
            addresses_by_gateways={1: 610 - day, 2: 1_100, 3: 760 + day},
        )
        for day in range(1, 32)
    ]
    told = Names(
        gateways=names,
        tickets=_tickets(result),
        departements=DEPARTEMENTS,
        version="version 1",
        closed_at_us=closes_at_us(given.month),
        address="https://passerelle.val-de-loire.example",
        terms=Terms(contest_to="contrat@val-de-loire.example", penalty="min(500, points * 100)"),
        trend=tuple(trend),
    )
    return monthly(given, result, told, epci=EPCI, found=connectivity(days))


def _tickets(result: MonthResult) -> dict[str, tuple[TicketSpan, ...]]:
    lost = {
        (one.lost[0].eui, one.lost[0].start_us): one.lost[0]
        for line in result.communes.values()
        for one in outages_of(line)
    }
    found: dict[str, tuple[TicketSpan, ...]] = {}
    for number, part in enumerate(sorted(lost.values(), key=lambda part: part.start_us), start=101):
        ticket = TicketSpan(
            number=number,
            since_us=part.start_us,
            until_us=part.end_us + MINUTE_US,
            action=("disjoncteur réarmé", "modem remplacé", "rétabli à distance")[number % 3],
        )
        found[part.eui] = (*found.get(part.eui, ()), ticket)
    return found


def main(folder: Path) -> None:
    """Write the report in every form."""
    report = demo_report()
    for form, ending in ((Form.PDF, "pdf"), (Form.XLSX, "xlsx"), (Form.CSV, "csv.zip"), (Form.JSON, "json")):
        (folder / f"rapport.{ending}").write_bytes(file_of(report, form))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
