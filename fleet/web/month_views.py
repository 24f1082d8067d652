"""Months as API and reports tell them: a closed one as it was stored, an open one as it is known.

Reckoning a month of the whole network takes seconds of the processor: in service a child does it, and its
answer has the form of a closed month (``fleet.months.reckoner``).  A result is kept: a version for as long as
it is the newest, an open month for ``KEPT_US`` or ``REST`` times what it took, whichever is longer.
"""

import threading
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from fleet.availability import document
from fleet.availability.reckoning import MonthInput, MonthResult, reckon
from fleet.availability.stored import restored
from fleet.child.process import WAITING_LIMIT, ChildBusy
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.months.inputs import load_month
from fleet.months.reckoner import OpenMonth, Reckoner
from fleet.months.versions import month_without_evidence, newest_number, newest_version

KEPT_US: Final = 5_000_000
REST: Final = 20
"""So that whoever asks without end costs a twentieth of one core."""
MONTHS_LIMIT: Final = 2
"""Months kept, some 100 MB each at 1,615 gateways; the one asked for longest ago goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """One month with its figures."""

    given: MonthInput
    result: MonthResult
    version: int | None
    """None: not closed."""
    digest: str
    stands_until_us: int | None = None
    """On the monotonic clock; None: for as long as the version is the newest."""


def month_view(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> MonthView:
    """Return a month: its newest closed version, else as it is known now, reckoned here.

    Raises:
        ValueError: not a month.
    """
    closed = _closed(connection, month)
    if closed is not None:
        return closed
    given = load_month(connection, month, settings, now_us)
    return MonthView(given=given, result=reckon(given), version=None, digest=document.digest(given))


def _closed(connection: Connection, month: str) -> MonthView | None:
    version = newest_version(connection, month)
    if version is None:
        return None
    given, figures = month_without_evidence(version), version.figures
    return MonthView(
        given=given, result=restored(given, figures), version=version.number, digest=version.hash
    )


class Months:
    """What one process keeps; one month at a time is reckoned, by ``reckoner`` if it is open."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._waiting = threading.BoundedSemaphore(WAITING_LIMIT)
        self._kept: dict[str, MonthView] = {}
        self._keeping = threading.Lock()

    def month_view(self, database: Database, clock: Clock, reckoner: Reckoner, month: str) -> MonthView:
        """Return a month, from what is kept if it stands.

        Raises:
            ValueError: not a month.
            ChildBusy: too many wait for one.
            ChildFailed: try again later.
        """
        kept = self._standing(database, clock, month)
        if kept is not None:
            return kept
        if not self._waiting.acquire(blocking=False):
            raise ChildBusy(f"{WAITING_LIMIT} months are at work or wait; try again in a minute")
        try:
            with self._turn:
                return self._standing(database, clock, month) or self._made(database, clock, reckoner, month)
        finally:
            self._waiting.release()

    def _standing(self, database: Database, clock: Clock, month: str) -> MonthView | None:
        """Return what is kept of a month, as the one asked for last."""
        with self._keeping:
            kept = self._kept.get(month)
        if kept is None:
            return None
        with database.read() as connection:
            if not _stands(kept, newest_number(connection, month), clock.monotonic_us()):
                return None
        self._keep(month, kept)
        return kept

    def _made(self, database: Database, clock: Clock, reckoner: Reckoner, month: str) -> MonthView:
        began_us = clock.monotonic_us()
        with database.read() as connection:
            made = _closed(connection, month)
        if made is None:
            made = _open(reckoner.open_month(month, clock.now_us()), began_us, clock.monotonic_us())
        self._keep(month, made)
        return made

    def _keep(self, month: str, view: MonthView) -> None:
        with self._keeping:
            self._kept.pop(month, None)
            self._kept[month] = view
            while len(self._kept) > MONTHS_LIMIT:
                del self._kept[next(iter(self._kept))]


def _stands(kept: MonthView, newest: int | None, monotonic_us: int) -> bool:
    if kept.version != newest:
        return False
    return kept.stands_until_us is None or monotonic_us < kept.stands_until_us


def _open(found: OpenMonth, began_us: int, ended_us: int) -> MonthView:
    given = document.read(found.facts)
    return MonthView(
        given=given,
        result=restored(given, found.figures),
        version=None,
        digest=found.digest,
        stands_until_us=ended_us + max(KEPT_US, REST * (ended_us - began_us)),
    )
