"""GPS time on the concentrator's counter: a receiver's seconds joined to the chip's PPS latches."""

from collections import Counter
from typing import Protocol

from hal.gnss.receiver import Receiver
from hal.gnss.timebase import Timebase, pair, utc_us
from hal.units import Micros


class PpsSource(Protocol):
    """What is asked of the concentrator; ``hal.ports.Concentrator`` is one."""

    def trigger_counter_us(self) -> Micros: ...


class GnssClock:
    """Pairs each new GPS second with the PPS that began it; call ``poll`` several times a second."""

    def __init__(self, receiver: Receiver, concentrator: PpsSource) -> None:
        self._receiver = receiver
        self._concentrator = concentrator
        self.base: Timebase | None = None
        self.leap_s: int | None = None
        self.counts: Counter[str] = Counter()

    def poll(self) -> Timebase | None:
        """Take in what the receiver said; costs a read of the counters when a new second came.

        Raises:
            LineFailed: the port vanished, or the concentrator's bus failed.
        """
        if self._receiver.poll() and self._receiver.time is not None:
            time = self._receiver.time
            self.base, what = pair(self.base, self._concentrator.trigger_counter_us(), time.gps_us)
            self.leap_s = self.leap_s if time.leap_s is None else time.leap_s
            self.counts[what] += 1
        return self.base

    def utc_at(self, counter_us: Micros) -> int | None:
        """Return UTC in µs since 1970 at a counter value; None while it is not known well enough."""
        if self.base is None or self.leap_s is None or not self.base.fresh(counter_us):
            return None
        return utc_us(self.base.gps_at(counter_us), self.leap_s)
