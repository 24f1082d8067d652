"""Months close by themselves: a thread that looks every ``LOOK_EVERY_S`` and closes at most one month a look.

It also packs sketches (``fleet.evidence.sketches``), counts the objects and addresses of a day that is over,
one day a look (``fleet.objects.counting``), surveys the air once an hour (``fleet.airtime.survey``), and has
one month a look compared (``comparing``).

    standings (read) → due (pure) → next version (read, seconds; a child in service) → store (a short write)

The engine's cycles go on meanwhile: what takes seconds is read and reckoned by a child (``Reckoner``), and
nothing holds the database for writing but short steps.
"""

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, func, select

from fleet.airtime import survey as airs
from fleet.broker.inbox import Inbox
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.evidence.facts import mark, marked
from fleet.evidence.sketches import PACKED_AT_ONCE, pack_some
from fleet.evidence.tables import (
    blindness,
    deliveries,
    heartbeat_runs,
    journal_records,
    maintenances,
    quarantines,
    statements,
)
from fleet.facts.months import Window, month_of, month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.months import comparing, snapshots
from fleet.months.closing import Awaited, Standing, Version, closable, due
from fleet.months.reckoner import Reckoner, ReckonsHere
from fleet.months.stamping import Stamper
from fleet.months.tables import month_snapshots, month_versions
from fleet.months.versions import store_version
from fleet.objects import coverers
from fleet.objects.counting import next_day, store_count
from fleet.registry.tables import commissioning

LOOK_EVERY_S = 60.0
"""A month closes within a minute of its hour."""
OVERLAP_US = 600_000_000
"""What was received this long before a look counts as new at the next: it may have been committed after."""
PACKED_A_LOOK = 400
"""Days of a gateway that are packed at a look; 1,615 gateways have four looks' work a day."""
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
        inbox: Inbox,
        clock_is_sure: Callable[[], bool],
        settings: ContractSettings = DEFAULTS,
        reckoner: Reckoner | None = None,
        stamper: Stamper | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._inbox = inbox
        self._clock_is_sure = clock_is_sure
        self._settings = settings
        self._reckoner = reckoner or ReckonsHere(database, settings)
        self._stamper = stamper
        self._stopping = threading.Event()
        self._compared, self._compare_due_us = "", 0
        """The month that was compared last, and from when on (monotonic) another may be."""
        self._awaited: Awaited | None = None
        self.failures = 0

    def stop(self) -> None:
        """Let ``run`` return after its present look."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped; a duty that fails is logged, counted and tried again, and holds up no other."""
        while not self._stopping.wait(LOOK_EVERY_S):
            for duty in self.duties():
                try:
                    duty()
                except Exception:
                    self.failures += 1
                    log.exception("duty_failed", duty=duty.__name__)

    def duties(self) -> tuple[Callable[[], object], ...]:
        """Return what a look does; nothing while our clock is doubted, for a closed month stays."""
        if not self._clock_is_sure():
            log.warning("clock_doubted")
            return ()
        stamp = () if self._stamper is None else (self._stamper.look,)
        counts = (self.pack_sketches, self.count_a_day, self.survey_air, self.freeze_coverages)
        return (self.take_snapshot, self.look, *stamp, *counts, self.compare_a_month)

    def take_snapshot(self) -> bool:
        """Freeze members, weights and settings of the present month, if due; return whether it was."""
        now_us = self._clock.now_us()
        month = month_of(now_us)
        with self._database.read() as connection:
            if not snapshots.is_due(connection, month):
                return False
        with self._database.write() as connection:
            made = snapshots.take(connection, month, self._settings, now_us=now_us)
        log.info("snapshot_taken", month=month, hash=made.hash)
        return True

    def pack_sketches(self) -> int:
        """Pack sketches of days that are over, ``PACKED_A_LOOK`` at most; return how many were packed."""
        packed, more = 0, PACKED_AT_ONCE
        while more == PACKED_AT_ONCE and packed < PACKED_A_LOOK and not self._stopping.is_set():
            with self._database.write() as connection:
                more = pack_some(connection, self._clock.now_us())
            packed += more
        return packed

    def count_a_day(self) -> str | None:
        """Count the objects and addresses of the day that is due, if one is; return it."""
        now_us = self._clock.now_us()
        with self._database.read() as connection:
            day = next_day(connection, now_us)
        if day is None:
            return None
        counted = self._reckoner.count_day(day)
        with self._database.write() as connection:
            store_count(connection, counted, now_us)
        return day

    def survey_air(self) -> bool:
        """Survey the air of the last day, if that is due; return whether it was."""
        now_us, began_us = self._clock.now_us(), self._clock.monotonic_us()
        with self._database.read() as connection:
            if not airs.is_due(connection, now_us):
                return False
        found = self._reckoner.survey_air(now_us)
        with self._database.write() as connection:
            airs.store_survey(connection, found)
        took_ms = (self._clock.monotonic_us() - began_us) // 1000
        log.info("air_surveyed", gateways=len(found.gateways), took_ms=took_ms)
        return True

    def freeze_coverages(self) -> bool:
        """Take who hears the sensors of the present month, if that is due; return whether it was."""
        now_us, began_us = self._clock.now_us(), self._clock.monotonic_us()
        month = month_of(now_us)
        with self._database.read() as connection:
            if not coverers.is_due(connection, month, now_us):
                return False
        coverages = self._reckoner.coverages(month, now_us)
        with self._database.write() as connection:
            coverers.store_coverages(connection, coverages)
        took_ms = (self._clock.monotonic_us() - began_us) // 1000
        log.info("coverages_frozen", month=month, sensors=coverages.sensors, took_ms=took_ms)
        return True

    def compare_a_month(self) -> str | None:
        """Compare a closed month with what today's program would say, if one is due; return which."""
        if self._clock.monotonic_us() < self._compare_due_us:
            return None
        with self._database.read() as connection:
            found = comparing.uncompared(connection, self._compared)
        if found is None:
            return None
        month, number = found
        self._compared, self._compare_due_us = month, self._clock.monotonic_us() + comparing.AGAIN_US
        try:
            differs, error = self._reckoner.differences(month, number), ""
        except ValueError as unreadable:
            differs, error = (), str(unreadable)
        with self._database.write() as connection:
            comparing.store_comparison(connection, month, number, differs=differs, error=error)
        self._compare_due_us = 0
        return month

    def look(self) -> Version | None:
        """Close the month that is due, if one is; return its new version."""
        now_us, began_us = self._clock.now_us(), self._clock.monotonic_us()
        with self._database.read() as connection:
            month = due(standings(connection, now_us), now_us)
        if month is None or self._waits(month):
            return None
        version = self._reckoner.next_version(month, now_us)
        with self._database.write() as connection:
            if version is not None:
                version = store_version(connection, version, who=WHO, now_us=now_us)
            note_look(connection, month, now_us - OVERLAP_US)
        self._awaited = None
        if version is not None:
            took_ms = (self._clock.monotonic_us() - began_us) // 1000
            log.info("month_closed", month=month, version=version.number, took_ms=took_ms, hash=version.hash)
        return version

    def _waits(self, month: str) -> bool:
        """Say whether messages that came before the first look at a month that is due are not stored yet."""
        flow, now_us = self._inbox.flow, self._clock.monotonic_us()
        if self._awaited is None or self._awaited.month != month:
            self._awaited = Awaited(month=month, offered=flow.offered, since_us=now_us)
        left = self._awaited.left(flow.settled)
        if left and self._awaited.too_long(now_us):
            log.warning("month_waits_no_longer", month=month, messages=left)
            return False
        if left:
            log.info("month_waits", month=month, messages=left)
        return left > 0


def standings(connection: Connection, now_us: int) -> list[Standing]:
    """Return the months that may be closed; months before our first evidence are not ours to close."""
    first_at_us = connection.scalar(select(func.min(journal_records.c.recorded_at_us)))
    months = closable(first_at_us, now_us)
    closed = set(connection.scalars(select(month_versions.c.month).distinct()))
    return [_standing(connection, month, closed=month in closed) for month in months]


def note_look(connection: Connection, month: str, at_us: int) -> None:
    """Note that closing ``month`` was tried to the end with what was recorded before ``at_us``."""
    mark(connection, _mark_name(month), at_us)


def _standing(connection: Connection, month: str, *, closed: bool) -> Standing:
    looked_at_us = marked(connection, _mark_name(month)) if closed else None
    late = looked_at_us is not None and _late(connection, month_window(month), looked_at_us)
    return Standing(month=month, closed=closed, looked_at_us=looked_at_us, late=late)


def _mark_name(month: str) -> str:
    return f"month_looked/{month}"


def _late(connection: Connection, window: Window, since_us: int) -> bool:
    """Return whether facts about the month were recorded since; a run that grows after its month is none."""
    start_us, end_us = window.start_us, window.end_us
    run, works, said, blind = heartbeat_runs.c, maintenances.c, statements.c, blindness.c
    sent, deaf, tail_us = deliveries.c, quarantines.c, DEFAULTS.blindness_tail_us
    overlaps = (works.from_at_us < end_us) & (works.until_at_us > start_us)
    about = (
        (journal_records.c.recorded_at_us, journal_records.c.at_us < end_us),
        (run.recorded_at_us, (run.last_at_us > start_us) & (run.last_at_us <= end_us)),
        (
            sent.recorded_at_us,
            (sent.received_from_at_us < end_us) & (sent.received_until_at_us > start_us),
        ),
        (commissioning.c.recorded_at_us, commissioning.c.at_us < end_us),
        (works.recorded_at_us, overlaps),
        (works.withdrawn_at_us, overlaps),
        (month_snapshots.c.taken_at_us, month_snapshots.c.month == month_of(start_us)),
        (said.recorded_at_us, (said.from_at_us < end_us) & (said.until_at_us > start_us)),
        (
            blind.recorded_at_us,
            (blind.from_at_us < end_us) & (func.coalesce(blind.until_at_us, end_us) > start_us - tail_us),
        ),
        (
            deaf.recorded_at_us,
            (deaf.began_at_us < end_us) & (func.coalesce(deaf.ended_at_us, end_us) > start_us - tail_us),
        ),
    )
    return any(
        connection.scalar(select(1).select_from(known.table).where(known >= since_us, test).limit(1))
        for known, test in about
    )
