"""What a report needs from the database, and the report in the form that is asked for."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from enum import StrEnum
from fractions import Fraction

from sqlalchemy import Connection, select

from fleet.availability import document
from fleet.availability.reckoning import MonthInput, MonthResult, reckon
from fleet.availability.stored import restored
from fleet.configurations.store import versions_at
from fleet.facts.months import month_window
from fleet.facts.settings import ContractSettings
from fleet.lang.format import moment
from fleet.lang.paris import paris
from fleet.months.closing import Version, sealed_text
from fleet.months.inputs import load_month
from fleet.months.stamping import stamp_of
from fleet.months.versions import closed_at, month_without_evidence, newest_before, newest_version
from fleet.objects.counting import month_connectivity, silent_objects
from fleet.registry.store import load_gateways
from fleet.registry.tables import agreements, communes, gateways, sites
from fleet.reports import contest
from fleet.reports.database import sqlite_of
from fleet.reports.deployment import Deployed, deployment
from fleet.reports.indicator_tables import silent_table
from fleet.reports.interventions import load_interventions, tickets_by_gateway
from fleet.reports.model import Report
from fleet.reports.monthly import monthly
from fleet.reports.names import NETWORK, MonthShare, Names
from fleet.reports.opendata import csv_of_month
from fleet.reports.pdf import pdf_of
from fleet.reports.picture import pictures
from fleet.reports.promises import TREND_MONTHS, stamp_sentence
from fleet.reports.sheets import csv_archive, json_of, xlsx_of
from fleet.reports.signature import Signature, signed
from fleet.reports.terms import DEFAULT_TERMS, Terms, how_to_contest

DEPARTEMENTS = {"37": "Indre-et-Loire", "41": "Loir-et-Cher"}


class Form(StrEnum):
    """How a report is written."""

    PDF = "pdf"
    XLSX = "xlsx"
    CSV = "csv"
    """A ZIP of one CSV a table."""
    JSON = "json"
    SQLITE = "sqlite"


WRITERS: dict[Form, tuple[Callable[[Report], bytes], str, str]] = {
    Form.PDF: (pdf_of, "application/pdf", "pdf"),
    Form.XLSX: (xlsx_of, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    Form.CSV: (csv_archive, "application/zip", "csv.zip"),
    Form.JSON: (json_of, "application/json", "json"),
    Form.SQLITE: (sqlite_of, "application/vnd.sqlite3", "sqlite"),
}
"""Writer, media type and ending of each form."""


def file_of(report: Report, form: Form, signature: Signature | None = None) -> bytes:
    """Return the report as a file; a PDF is signed where the settings name a key.

    Raises:
        SignatureError: it cannot be signed.
    """
    made = WRITERS[form][0](report)
    return signed(made, signature) if form is Form.PDF and signature is not None else made


def monthly_report(
    connection: Connection,
    month: str,
    settings: ContractSettings,
    now_us: int,
    *,
    epci: str = "",
    terms: Terms = DEFAULT_TERMS,
    address: str = "",
) -> Report:
    """Return the report of a month: its newest closed version, else as it is known now.

    Raises:
        ValueError: not a month, or no commune in that EPCI.
    """
    given, version = _month_of(connection, month, settings, now_us)
    told = _result(given, version)
    window = month_window(month)
    inside = {card.insee for card in given.communes if not epci or card.epci == epci}
    names = Names(
        gateways={one.eui: one.name for one in load_gateways(connection)},
        tickets=tickets_by_gateway(connection, window.start_us, window.end_us),
        paths=_paths(connection, min(window.end_us, now_us)),
        version="" if version is None else f"version {version.number}",
        digest="" if version is None else version.hash,
        stamp=""
        if version is None
        else stamp_sentence(version.seal, stamp_of(connection, month, version.number)),
        departements=DEPARTEMENTS,
        closed_at_us=None if version is None else closed_at(connection, month, version.number),
        address=address,
        terms=terms,
        trend=tuple(_trend(connection, month, inside)),
        difference={} if version is None else version.difference,
    )
    rows = connection.execute(
        select(communes.c.insee, communes.c.lon, communes.c.lat, communes.c.polygon)
    ).all()
    points = {row.insee: (row.lon, row.lat) for row in rows if row.lon is not None and row.lat is not None}
    polygons = {row.insee: row.polygon for row in rows}
    drawn = pictures(given, told, polygons, points, DEPARTEMENTS, epci=epci)
    found = month_connectivity(connection, month, now_us, epci=epci)
    silent = silent_objects(connection, month, now_us, epci) if found.daily is not None else []
    report = monthly(given, told, names, epci=epci, pictures=drawn, found=found)
    clocks = load_interventions(connection, window, now_us, inside if epci else None)
    *figures, settings_ = report.tables
    return replace(report, tables=(*figures, silent_table(silent), *clocks, settings_))


def _paths(connection: Connection, at_us: int) -> dict[str, str]:
    """Return the kind of the contractual connector at an instant, by EUI."""
    return {
        eui: connector.kind
        for eui, version in versions_at(connection, at_us).items()
        for connector in version.configuration.connectors
        if connector.contractual
    }


def _trend(connection: Connection, month: str, insees: Collection[str]) -> Iterator[MonthShare]:
    """Return what the newest versions of the months before said of these communes, oldest first."""
    for closed in newest_before(connection, month, TREND_MONTHS - 1):
        mine = [one for one in closed.communes if one["insee"] in insees]
        served = sum(one["weight"] * one["served"] for one in mine)
        counted = served + sum(one["weight"] * one["charged"] for one in mine)
        known = [one["met"] for one in (*mine, closed.whole) if one["met"] is not None]
        yield MonthShare(
            month=closed.month,
            version=f"version {closed.number}",
            share=Fraction(served, counted) if counted else None,
            below=sum(one["met"] is False for one in mine),
            covered=sum(one["met"] is not None for one in mine),
            held=all(known) if known else None,
        )


def opendata(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> bytes:
    """Return the communes of a month as open data: its newest closed version, else provisional.

    Raises:
        ValueError: not a month.
    """
    given, version = _month_of(connection, month, settings, now_us)
    if version is None:
        return csv_of_month(given, reckon(given), version=None, digest=document.digest(given))
    return csv_of_month(given, _result(given, version), version=version.number, digest=version.hash)


def contest_bundle(
    connection: Connection, month: str, settings: ContractSettings, now_us: int, terms: Terms, *, epci: str
) -> bytes:
    """Return all that a member needs to check a month of its territory (``contest``); no EPCI: everything.

    Raises:
        ValueError: not a month, or no commune in that EPCI.
    """
    given, version = _month_of(connection, month, settings, now_us, evidence=True)
    insees = {one.insee for one in given.communes if not epci or one.epci == epci}
    if not insees:
        raise ValueError(f"epci: no commune is in {epci!r}")
    closed_at_us = None if version is None else closed_at(connection, month, version.number)
    return contest.bundle(
        contest.territory(given, insees),
        name=epci or NETWORK,
        version="provisoire" if version is None else f"version {version.number}",
        digest=document.digest(given) if version is None else version.hash,
        contest=how_to_contest(month, closed_at_us, terms),
        gateways={one.eui: one.name for one in load_gateways(connection)},
        sealed=None if version is None or not version.seal else _sealed(connection, version),
    )


def _sealed(connection: Connection, version: Version) -> contest.Sealed:
    """Return a version's seal as it was stored, with its stamp."""
    stamp = stamp_of(connection, version.month, version.number) or {}
    token = stamp.get("response")
    return contest.Sealed(
        text=sealed_text(version),
        seal=version.seal,
        token=token,
        authority="" if token is None else stamp["authority"],
        stamped_at="" if token is None else moment("fr", stamp["stamped_at_us"]),
    )


def _result(given: MonthInput, version: Version | None) -> MonthResult:
    """Return the figures of a month: of a closed one those that were stored."""
    return reckon(given) if version is None else restored(given, version.figures)


def _month_of(
    connection: Connection, month: str, settings: ContractSettings, now_us: int, *, evidence: bool = False
) -> tuple[MonthInput, Version | None]:
    """Return a month and its newest version; of a closed one without evidence unless asked for."""
    version = newest_version(connection, month)
    if version is None:
        return load_month(connection, month, settings, now_us), None
    return document.read(version.facts) if evidence else month_without_evidence(version), version


def deployment_report(connection: Connection) -> Report:
    """Return the deployment as the registry has it, beside the plan."""
    asked: dict[int, int] = {}
    given: dict[int, int] = {}
    for row in connection.execute(select(agreements)).mappings():
        asked[row["site_id"]] = asked.get(row["site_id"], 0) + bool(row["asked_on"])
        given[row["site_id"]] = given.get(row["site_id"], 0) + bool(row["given_on"])
    query = (
        select(gateways.c.status, gateways.c.accepted_at_us, gateways.c.site_id, communes.c.name)
        .join(sites, sites.c.id == gateways.c.site_id)
        .join(communes, communes.c.insee == sites.c.commune_insee)
    )
    return deployment(
        Deployed(
            commune=row.name,
            status=row.status,
            accepted_year=None if row.accepted_at_us is None else paris(row.accepted_at_us).year,
            agreements_given=given.get(row.site_id, 0),
            agreements_asked=asked.get(row.site_id, 0),
        )
        for row in connection.execute(query)
    )
