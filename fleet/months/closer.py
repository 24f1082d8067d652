"""Months close by themselves: a thread that looks every ``LOOK_EVERY_S`` and closes at most one month a look.

It also counts the objects and addresses of a day that is over, one day a look (``fleet.objects.counting``).

    standings (read) → due (pure) → next version (read, seconds) → store (a short write)

The engine's cycles go on meanwhile: nothing holds the database for writing but the last step.
"""

import threading
from collections.abc import Callable

import structlog

from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.facts.months import month_of
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.months import late
from fleet.months.closing import Version
from fleet.months.due import due
from fleet.months.versions import next_version, store_version
from fleet.objects import coverers
from fleet.objects.counting import count_day, next_day, store_count

LOOK_EVERY_S = 60.0
"""A month closes within a minute of its hour."""
OVERLAP_US = 600_000_000
"""What was received this long before a look counts as new at the next: it may have been committed after."""
WHO = "passerelle"
"""Who closed a month, in its version and in the audit log."""

log = structlog.get_logger("fleet.months.closer")


class Closer:
    """Closes months; ``run`` is the thread's body, so that one month at a time is reckoned."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        in_flight: Callable[[], int],
        settings: ContractSettings = DEFAULTS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._in_flight = in_flight
        self._settings = settings
        self._stopping = threading.Event()
        self.failures = 0

    def stop(self) -> None:
        """Let ``run`` return after its present look."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped; a look that fails is logged, counted and tried again."""
        while not self._stopping.wait(LOOK_EVERY_S):
            try:
                self.count_a_day()
                self.freeze_coverages()
                self.look()
            except Exception:
                self.failures += 1
                log.exception("month_not_closed")

    def count_a_day(self) -> str | None:
        """Count the objects and addresses of the day that is due, if one is; return it."""
        now_us = self._clock.now_us()
        with self._database.read() as connection:
            day = next_day(connection, now_us)
            counted = None if day is None else count_day(connection, day)
        if counted is not None:
            with self._database.write() as connection:
                store_count(connection, counted, now_us)
        return day

    def freeze_coverages(self) -> bool:
        """Take who hears the sensors of the present month, if that is due; return whether it was."""
        now_us = self._clock.now_us()
        month = month_of(now_us)
        with self._database.read() as connection:
            if not coverers.is_due(connection, month, now_us):
                return False
        with self._database.write() as connection:
            sensors = coverers.freeze(connection, month, now_us)
        log.info("coverages_frozen", month=month, sensors=sensors)
        return True

    def look(self) -> Version | None:
        """Close the month that is due, if one is; return its new version."""
        now_us = self._clock.now_us()
        with self._database.read() as connection:
            month = due(late.standings(connection, now_us), now_us)
            if month is None:
                return None
            if waiting := self._in_flight():
                log.info("month_waits", month=month, messages=waiting)
                return None
            version = next_version(connection, month, self._settings, now_us=now_us)
        with self._database.write() as connection:
            if version is not None:
                version = store_version(connection, version, who=WHO, now_us=now_us)
            late.looked(connection, month, now_us - OVERLAP_US)
        if version is not None:
            log.info("month_closed", month=month, version=version.number, hash=version.hash)
        return version
