"""What the LNS contradicts in the month that is open, compared once an hour and kept.

It is shown beside the gateways and communes that it concerns and counted on the month's page; it changes no
figure.  A month of 1,615 gateways has a million hours of uplinks: comparing takes seconds, in a thread.
"""

import threading
from collections.abc import Container
from dataclasses import dataclass, replace
from typing import Final

from fleet.availability.corroboration import Corroboration
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.durations import HOUR_US
from fleet.facts.months import month_of
from fleet.months.versions import corroboration
from fleet.web.history import Past

KEPT_US: Final = HOUR_US
"""Silences count from three hours on: an hour more or less shows nothing earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The open month beside the LNS, up to an instant."""

    month: str
    at_us: int
    corroboration: Corroboration

    def within(self, euis: Container[str]) -> "Compared":
        """Return what concerns some gateways."""
        found = tuple(one for one in self.corroboration.found if one.eui in euis)
        return replace(self, corroboration=replace(self.corroboration, found=found))


class Corroborated:
    """Keeps the newest comparison of one process; only the first of a month is waited for."""

    def __init__(self) -> None:
        self._first = threading.Lock()
        self._working = threading.Lock()
        self._compared: Compared | None = None
        self._stands_until_us = 0
        """On the monotonic clock."""

    def compared(self, database: Database, clock: Clock, past: Past) -> Compared:
        """Return the comparison that is kept; when it is too old, a thread makes the next one meanwhile."""
        with self._first:
            kept = self._compared
            if kept is None or kept.month != month_of(past.at_us):
                return self._renew(database, clock, past)
        if clock.monotonic_us() >= self._stands_until_us and self._working.acquire(blocking=False):
            threading.Thread(target=self._renew_once, args=(database, clock, past), daemon=True).start()
        return kept

    def _renew_once(self, database: Database, clock: Clock, past: Past) -> None:
        try:
            self._renew(database, clock, past)
        finally:
            self._working.release()

    def _renew(self, database: Database, clock: Clock, past: Past) -> Compared:
        with database.read() as connection:
            found = corroboration(connection, past.month.lines, past.month.window)
        made = Compared(month=month_of(past.at_us), at_us=past.at_us, corroboration=found)
        self._compared, self._stands_until_us = made, clock.monotonic_us() + KEPT_US
        return made
