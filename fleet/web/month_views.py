"""Months as API and reports tell them: a closed one as it was stored, an open one as it is known.

Reckoning a month of the whole network takes seconds, so a result is kept: a version for as long as it is the
newest, an open month for ``KEPT_US`` or ``REST`` times what it took, whichever is longer.
"""

import threading
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from fleet.availability import document
from fleet.availability.reckoning import MonthInput, MonthResult, reckon
from fleet.availability.stored import restored
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.months.checking import differs_today
from fleet.months.inputs import load_month
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
    code: str = document.CODE
    """The program that closed it."""
    differs: tuple[str, ...] = ()
    """In what today's program would differ; what is shown is what was stored."""
    stands_until_us: int | None = None
    """On the monotonic clock; None: for as long as the version is the newest."""


def month_view(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> MonthView:
    """Return a month: its newest closed version, else as it is known now.

    Raises:
        ValueError: not a month.
    """
    version = newest_version(connection, month)
    if version is None:
        given = load_month(connection, month, settings, now_us)
        digest = document.digest(given)
        return MonthView(given=given, result=reckon(given), version=None, digest=digest)
    given = month_without_evidence(version)
    return MonthView(
        given=given,
        result=restored(given, version.figures),
        version=version.number,
        digest=version.hash,
        code=version.figures["code"],
        differs=tuple(differs_today(version)),
    )


class Months:
    """What one process keeps; one month at a time is reckoned."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, MonthView] = {}

    def month_view(
        self, database: Database, clock: Clock, settings: ContractSettings, month: str
    ) -> MonthView:
        """Return a month, from what is kept if it stands.

        Raises:
            ValueError: not a month.
        """
        with self._lock:
            began_us = clock.monotonic_us()
            with database.read() as connection:
                kept = self._kept.pop(month, None)
                if kept is None or not _stands(kept, newest_number(connection, month), began_us):
                    kept = month_view(connection, month, settings, clock.now_us())
                    if kept.version is None:
                        kept = _open(kept, began_us, clock.monotonic_us())
            self._kept[month] = kept
            while len(self._kept) > MONTHS_LIMIT:
                del self._kept[next(iter(self._kept))]
            return kept


def _stands(kept: MonthView, newest: int | None, monotonic_us: int) -> bool:
    if kept.version != newest:
        return False
    return kept.stands_until_us is None or monotonic_us < kept.stands_until_us


def _open(view: MonthView, began_us: int, ended_us: int) -> MonthView:
    return MonthView(
        given=view.given,
        result=view.result,
        version=None,
        digest=view.digest,
        stands_until_us=ended_us + max(KEPT_US, REST * (ended_us - began_us)),
    )
