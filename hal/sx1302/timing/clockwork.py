"""Reading the counters: as seldom as the timeline allows, believed only when plausible.

Sources: FACTS §9 (eight bytes at 0x6101, the erratum), DESIGN of ``counter``.
"""

from collections import Counter

from hal.bus.access import Registers
from hal.errors import ChipMisbehaved
from hal.ports import HalClock
from hal.sx1302.timing.counter import TICKS_PER_US, TURN_TICKS, Reading, Timeline, begin
from hal.sx1302.timing.fine_time import PpsHistory
from hal.units import Micros

COUNTERS_AT = 0x6101
COUNTERS_BYTES = 8
REFRESH_INTERVAL_US = 30_000_000
"""The counters are read this often; half a turn of the counter is 67 s."""
HISTORY_INTERVAL_US = 400_000
"""Fine timestamps need every PPS: more than twice a second."""
READINGS_LIMIT = 4
AGREEMENT_US = 100_000
"""Two readings in a row this close agree with one another, whatever was predicted."""
STILL_CHECK_US = 50
RECENT_US = 2_000_000
"""A reading this recent places packets; whoever wants the counter's own time reads it every second anyway."""
SLIP_MARGIN_US = 1_000_000
"""A counter that ran so far ahead of its prediction still has its packets placed where they belong."""


class Clockwork:
    """The chip's time, kept on the host."""

    def __init__(
        self, registers: Registers, clock: HalClock, counts: Counter[str], *, keep_history: bool
    ) -> None:
        self._registers = registers
        self._clock = clock
        self._counts = counts
        self._keep_history = keep_history
        self._interval_us = HISTORY_INTERVAL_US if keep_history else REFRESH_INTERVAL_US
        self.timeline: Timeline | None = None
        self.history = PpsHistory()

    def refresh_if_due(self) -> None:
        """Read the counters when they were not read for long."""
        now_us = self._clock.monotonic_us()
        if self.timeline is None or now_us - self.timeline.host_us >= self._interval_us:
            self.read()

    def predicted_us(self) -> Micros:
        """Return where the counter must be; reads it only when it was never read."""
        timeline = self.timeline or self.read()
        return timeline.predicted_us(self._clock.monotonic_us())

    def latest_us(self) -> Micros:
        """Return an instant that no packet fetched by now was stamped after, less than a turn ahead of all.

        A recent reading says it without a transaction.  For fine timestamps the counters are read, since
        these need the pulses up to this instant.
        """
        timeline, now_us = self.timeline, self._clock.monotonic_us()
        if self._keep_history or timeline is None or now_us - timeline.host_us > RECENT_US:
            return self.read().counter_us
        return Micros(timeline.predicted_us(now_us) + SLIP_MARGIN_US)

    def read(self, *, check_moving: bool = False) -> Timeline:
        """Read the counters and return the advanced timeline.

        Raises:
            ChipMisbehaved: no two readings agree with the prediction or with one another.
        """
        if check_moving:
            self._clock.sleep(STILL_CHECK_US / 1e6)
        first, now_us = self._reading()
        if self.timeline is not None and self.timeline.plausible(first, now_us):
            return self._believe(first, now_us)
        for _ in range(READINGS_LIMIT):
            second, now_us = self._reading()
            if self.timeline is not None and self.timeline.plausible(second, now_us):
                self._counts["torn_counters"] += 1
                return self._believe(second, now_us)
            if (second.running - first.running) % TURN_TICKS <= AGREEMENT_US * TICKS_PER_US:
                self._counts["counter_slips"] += self.timeline is not None
                return self._believe(second, now_us)
            first = second
        raise ChipMisbehaved(f"no two of {READINGS_LIMIT} readings agree", where="0x6101 counters")

    def _reading(self) -> tuple[Reading, int]:
        data = self._registers.read_memory(COUNTERS_AT, COUNTERS_BYTES)
        return Reading.decode(data), self._clock.monotonic_us()

    def _believe(self, reading: Reading, now_us: int) -> Timeline:
        self.history = self.history.save(reading.pps)
        self.timeline = (
            begin(reading, now_us) if self.timeline is None else self.timeline.advance(reading, now_us)
        )
        return self.timeline
