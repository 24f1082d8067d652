"""Versions of months in the database: append-only."""

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select

from fleet.availability import document
from fleet.availability.corroboration import Corroboration, corroborate
from fleet.availability.reckoning import MonthInput
from fleet.availability.stored import is_whole
from fleet.availability.timeline import Timeline
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.months.closing import Version, close, sealed
from fleet.months.inputs import load_month
from fleet.months.tables import month_versions
from fleet.objects.store import gateways_by_hour, load_heard

CONTRADICTIONS_LIMIT: Final = 1_000
"""Contradictions that a version lists; all are counted."""


def close_month(
    connection: Connection,
    month: str,
    settings: ContractSettings,
    *,
    who: str,
    now_us: int,
) -> Version | None:
    """Close a month, or close it again because facts came late; None when nothing changed.

    Raises:
        NotYetError: it is too early.
        ValueError: not a month.
    """
    version = next_version(connection, month, settings, now_us=now_us)
    return None if version is None else store_version(connection, version, who=who, now_us=now_us)


def next_version(
    connection: Connection, month: str, settings: ContractSettings, *, now_us: int
) -> Version | None:
    """Return what ``close_month`` would store; reads only, and takes seconds for a large network.

    Raises:
        NotYetError: it is too early.
        ValueError: not a month.
    """
    given = load_month(connection, month, settings, now_us)
    made = close(given, newest_version(connection, month), now_us)
    if made is None:
        return None
    version, reckoned = made
    found = corroboration(connection, reckoned.lines, reckoned.window)
    return sealed(replace(version, figures=version.figures | {"corroboration": _stored(found)}))


def corroboration(connection: Connection, lines: Mapping[str, Timeline], window: Window) -> Corroboration:
    """Return what the LNS contradicts over a window; one gateway at a time is held."""
    return corroborate(lines, load_heard(connection, window), gateways_by_hour(connection, window))


def _stored(found: Corroboration) -> dict[str, Any]:
    listed = found.found[:CONTRADICTIONS_LIMIT]
    return {
        "gateways": found.gateways,
        "count": len(found.found),
        "listed": [msgspec.to_builtins(one) for one in listed],
    }


def store_version(connection: Connection, version: Version, *, who: str, now_us: int) -> Version | None:
    """Store a version; None when someone else stored one since it was reckoned."""
    if (newest_number(connection, version.month) or 0) + 1 != version.number:
        return None
    row = {
        "month": version.month,
        "version": version.number,
        "closed_at_us": now_us,
        "closed_by": who,
        "hash": version.hash,
        "facts": zlib.compress(b"".join(version.facts), 6),
        "figures": version.figures,
        "difference": version.difference,
        "seal": version.seal,
    }
    connection.execute(insert(month_versions).values(row))
    audit.record(
        connection,
        now_us=now_us,
        who=who,
        action="month.close",
        subject=version.month,
        after={"version": version.number, "hash": version.hash, "seal": version.seal},
    )
    return version


def newest_version(connection: Connection, month: str) -> Version | None:
    """Return the newest version of a month; None while it is open."""
    query = select(month_versions).where(month_versions.c.month == month)
    row = connection.execute(query.order_by(month_versions.c.version.desc()).limit(1)).mappings().first()
    return None if row is None else _version(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a closed month comes to: its figures as a whole and of each commune."""

    month: str
    number: int
    whole: dict[str, Any]
    communes: list[dict[str, Any]]


def newest_before(connection: Connection, month: str, limit: int) -> Iterator[Closed]:
    """Yield the months closed before one, oldest first, at most ``limit``: one at a time is held."""
    row = month_versions.c
    newest = select(row.month, func.max(row.version).label("version")).where(row.month < month)
    latest = newest.group_by(row.month).order_by(row.month.desc()).limit(limit).subquery()
    mine = (row.month == latest.c.month) & (row.version == latest.c.version)
    whole, communes = row.figures["whole"].label("whole"), row.figures["communes"].label("communes")
    query = select(row.month, row.version, whole, communes).join(latest, mine).order_by(row.month)
    for one in connection.execute(query.execution_options(yield_per=1)):
        yield Closed(month=one.month, number=one.version, whole=one.whole, communes=one.communes)


def month_without_evidence(version: Version) -> MonthInput:
    """Return the month of a version for whoever prints its stored figures."""
    if is_whole(version.figures):
        return document.read(document.without_evidence(version.facts))
    return document.read(version.facts)


def version_of(connection: Connection, month: str, number: int) -> Version | None:
    """Return one version of a month, the newest for 0; None if there is none."""
    if not number:
        return newest_version(connection, month)
    return next((one for one, _ in every_version(connection, month) if one.number == number), None)


def every_version(connection: Connection, month: str) -> Iterator[tuple[Version, int]]:
    """Yield the versions of a month, oldest first, each with when it was closed."""
    query = select(month_versions).where(month_versions.c.month == month).order_by(month_versions.c.version)
    for row in connection.execute(query).mappings():
        yield _version(row), row["closed_at_us"]


def _version(row: RowMapping) -> Version:
    return Version(
        month=row["month"],
        number=row["version"],
        hash=row["hash"],
        facts=tuple(zlib.decompress(row["facts"]).splitlines(keepends=True)),
        figures=row["figures"],
        difference=row["difference"],
        seal=row["seal"],
    )


def newest_number(connection: Connection, month: str) -> int | None:
    """Return the number of the newest version of a month; None while it is open."""
    newest = select(func.max(month_versions.c.version)).where(month_versions.c.month == month)
    number: int | None = connection.scalar(newest)
    return number


def closed_at(connection: Connection, month: str, number: int) -> int | None:
    """Return when a version was closed, microseconds UTC; None if there is none."""
    row = month_versions.c
    query = select(row.closed_at_us).where(row.month == month, row.version == number)
    at_us: int | None = connection.scalar(query)
    return at_us


def list_versions(connection: Connection) -> list[tuple[str, int, int, str, str]]:
    """Return (month, version, closed_at_us, closed_by, hash), newest month first."""
    columns = (
        month_versions.c.month,
        month_versions.c.version,
        month_versions.c.closed_at_us,
        month_versions.c.closed_by,
        month_versions.c.hash,
    )
    order = (month_versions.c.month.desc(), month_versions.c.version.desc())
    return [tuple(row) for row in connection.execute(select(*columns).order_by(*order))]
