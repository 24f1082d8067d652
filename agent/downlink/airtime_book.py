"""The duty-cycle ledger of this gateway across restarts: memory, file, and the clocks between them."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from agent.clock import Clock
from agent.downlink.duty_cycle import Ledger, Past, Present, dated, end_of
from agent.downlink.ledger_file import LedgerFile, kernel_boot
from agent.downlink.plan import HOUR_US, Band
from agent.timing.choice import OWN_TIME

Later = Callable[[Callable[[], None]], None]
"""Runs writes to disk one after the other, in the order of the calls, where they delay nobody."""


class AirtimeBook:
    """Charges air time in memory at once and on disk soon."""

    def __init__(self, *, directory: Path, clock: Clock, later: Later) -> None:
        self._clock = clock
        self._later = later
        self._file = LedgerFile(directory)
        self._boot = kernel_boot()
        self._ledger = Ledger()
        self._past: list[Past] = []
        self._undated: list[tuple[int, Past]] = []
        self.counts: Counter[str] = Counter()

    def load(self) -> None:
        """Take in what earlier runs sent in the last hour; without trusted time it counts as just sent."""
        try:
            entries, damaged = self._file.load()
        except OSError:
            self.counts["read_failed"] += 1
            return
        self.counts["damaged_lines"] += damaged
        present = self._present()
        for number, past in enumerate(entries):
            self._enter(past, present, ticket=-1 - number)
        loaded = tuple(self._past)
        self._write(lambda: self._file.rewrite(loaded))

    def _enter(self, past: Past, present: Present, *, ticket: int) -> None:
        end_us = end_of(past, present)
        if end_us is None:
            return
        self._ledger.charge(past.band, end_us=end_us, airtime_us=past.airtime_us, ticket=ticket)
        self._past.append(past)
        if not dated(past, present):
            self._undated.append((ticket, past))

    def room_us(self, band: Band) -> int:
        """Return the air time left in this band in this hour."""
        self._date_again()
        return self._ledger.room_us(band, self._clock.monotonic_us())

    def used_us(self, band: Band) -> int:
        """Return the air time used in this band in this hour."""
        return self._ledger.used_us(band.name, self._clock.monotonic_us())

    def charge(self, band: Band, *, end_us: int, airtime_us: int, ticket: int) -> None:
        """Enter a transmission that was accepted; ``end_us`` is monotonic."""
        self._ledger.charge(band.name, end_us=end_us, airtime_us=airtime_us, ticket=ticket)
        now = self._present()
        past = Past(
            band=band.name,
            airtime_us=airtime_us,
            kernel_boot=self._boot,
            monotonic_us=end_us,
            utc_us=now.utc_us + end_us - now.monotonic_us,
            quality=now.quality,
        )
        self._past = [kept for kept in self._past if now.monotonic_us - kept.monotonic_us < HOUR_US]
        before = tuple(self._past)
        self._past.append(past)
        self._write(lambda: self._file.append(past, before))

    def release(self, ticket: int) -> None:
        """Take back what did not leave; the file keeps it, which is the strict side after a restart."""
        self._ledger.release(ticket)

    def _date_again(self) -> None:
        if not self._undated or self._clock.quality() not in OWN_TIME:
            return
        undated, self._undated = self._undated, []
        present = self._present()
        for ticket, past in undated:
            if past.quality not in OWN_TIME:
                continue
            self._ledger.release(ticket)
            end_us = end_of(past, present)
            if end_us is not None:
                self._ledger.charge(past.band, end_us=end_us, airtime_us=past.airtime_us, ticket=ticket)

    def _present(self) -> Present:
        return Present(
            kernel_boot=self._boot,
            monotonic_us=self._clock.monotonic_us(),
            utc_us=self._clock.utc_us(),
            quality=self._clock.quality(),
        )

    def _write(self, work: Callable[[], None]) -> None:
        def attempt() -> None:
            try:
                work()
            except OSError:
                self.counts["write_failed"] += 1

        self._later(attempt)
