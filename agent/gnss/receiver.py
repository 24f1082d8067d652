"""The GNSS receiver beside the radio: a thread that listens to the serial line and steers the clock.

The line's deadline paces the thread; the radio thread reads the latch of the pulse when asked.  A receiver
that is missing, mute or mad costs time quality and nothing else.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from agent.clock import Clock
from agent.failures import reason_of
from agent.gnss.pps import Latch, Pulses, Second, discipline
from agent.observation import Position
from agent.wire import reasons
from agent.wire.reasons import Reason
from hal.errors import HalError
from hal.gnss.receiver import Receiver
from hal.ports import ByteLine, Concentrator

PAIR_EVERY_US = 4_500_000
"""UTC is read every fifth second: at 50 ppm it moves by 0.25 ms meanwhile."""
LATCH_WAIT_S = 0.5
"""For the radio thread to read its counters; it turns every 27 ms."""
REOPEN_AFTER_S = 30.0
"""A line that failed or is missing is opened again after this."""
MUTE_AFTER_US = 10_000_000
"""A receiver that gives no time for so long has no fix."""

Ask = Callable[[Callable[[Concentrator], Any]], "Future[Any]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GnssState:
    """What is known of the receiver now."""

    fix: bool
    pps: bool
    """Pulses per second reach the concentrator."""
    satellites: int | None
    latitude: float | None
    longitude: float | None
    reason: Reason | None
    """Why there is no fix; None when there is one."""
    altitude_m: float | None = None

    def position(self) -> Position | None:
        """Return where the antenna is; None without a fix."""
        if not self.fix or self.latitude is None or self.longitude is None:
            return None
        return Position(latitude_deg=self.latitude, longitude_deg=self.longitude, altitude_m=self.altitude_m)

    def fields(self) -> dict[str, str | int | float]:
        """Return what the details of health say of it; what is not known is absent."""
        fields = {
            "gnss_fix": int(self.fix),
            "gnss_pulse": int(self.pps),
            "gnss_satellites": self.satellites,
            "gnss_latitude_deg": self.latitude,
            "gnss_longitude_deg": self.longitude,
        }
        return {name: value for name, value in fields.items() if value is not None}


class GnssTime:
    """Runs one receiver; ``start`` to begin, ``stop`` to end."""

    def __init__(self, *, open_line: Callable[[], ByteLine], clock: Clock, on_radio: Ask) -> None:
        self._open_line, self._clock, self._on_radio = open_line, clock, on_radio
        self._pulses = Pulses()
        self._receiver: Receiver | None = None
        self._spoke_at_us: int | None = None
        self._due_us = 0
        self._failure: Reason | None = reasons.gnss.not_started_yet()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gnss", daemon=True)
        self.counts: Counter[str] = Counter()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread and release the line."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def state(self) -> GnssState:
        """Return what is known now; from any thread."""
        receiver, spoke_at_us = self._receiver, self._spoke_at_us
        fix = spoke_at_us is not None and self._clock.monotonic_us() - spoke_at_us <= MUTE_AFTER_US
        position = receiver.position if receiver is not None else None
        quality = receiver.quality if receiver is not None else None
        return GnssState(
            fix=fix,
            pps=fix and self._pulses.present,
            satellites=quality.satellites if quality is not None else None,
            latitude=position.latitude if position is not None and position.valid else None,
            longitude=position.longitude if position is not None and position.valid else None,
            altitude_m=quality.altitude_m if quality is not None else None,
            reason=None if fix else self._failure or reasons.gnss.no_fix(),
        )

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.listen(Receiver(self._open_line()))
            except HalError as error:
                self.counts["line_failed"] += 1
                self._failure = reason_of(error)
            self._ending.wait(REOPEN_AFTER_S)

    def listen(self, receiver: Receiver) -> None:
        """Follow one open receiver until the end.

        Raises:
            LineFailed: the port vanished.
        """
        self._failure = None
        try:
            receiver.start()
            while not self._ending.is_set():
                self.turn(receiver)
        finally:
            self._receiver = None
            receiver.close()

    def turn(self, receiver: Receiver) -> None:
        """Listen once; take a reading when one is due.

        Raises:
            LineFailed: the port vanished.
        """
        self._receiver = receiver
        if not receiver.poll() or receiver.time is None:
            return
        now_us = self._clock.monotonic_us()
        self._spoke_at_us = now_us
        if now_us < self._due_us:
            return
        second = Second(gps_us=receiver.time.gps_us, arrived_us=now_us, leap_s=receiver.time.leap_s)
        latch = self._latch()
        self._pulses, reading, what = discipline(self._pulses, second, latch)
        self._due_us = now_us + PAIR_EVERY_US if latch is not None else now_us
        self.counts[what] += 1
        if reading is None:
            return
        try:
            self._clock.accept(reading)
        except ValueError as error:
            self.counts["refused"] += 1
            self._failure = reason_of(error)
            self._spoke_at_us = None

    def _latch(self) -> Latch | None:
        asked = self._on_radio(self._read_latch)
        try:
            latch: Latch = asked.result(LATCH_WAIT_S)
        except (HalError, TimeoutError):
            asked.cancel()
            return None
        return latch

    def _read_latch(self, concentrator: Concentrator) -> Latch:
        """In the radio thread: the pulse first, so that it is never later than the counter."""
        pps_us = concentrator.trigger_counter_us()
        before_us = self._clock.monotonic_us()
        counter_us = concentrator.counter_us()
        at_us = (before_us + self._clock.monotonic_us()) // 2
        return Latch(counter_us=int(counter_us), monotonic_us=at_us, pps_counter_us=int(pps_us))
