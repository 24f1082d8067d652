"""The one thread that owns the concentrator: fetch, send, watch, recover.

``turn`` does one round and says when the next is due, so that tests drive it with a virtual clock; the
thread around it only waits.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from agent.clock import Clock
from agent.downlink.jit import TransmitQueue
from agent.failures import reason_of
from agent.radio.flights import Flights, Sent
from agent.radio.pace import Pace
from agent.radio.recovery import Ladder, RestartRequested, Step, came_up, failed
from agent.radio.suspicion import Suspicion
from agent.timing.timebase import ANCHOR_INTERVAL_US, Anchor, GpsReference, PulseTrain, reference_of
from agent.timing.utc import gps_of_utc
from agent.wire import reasons
from agent.wire.messages import Radio, TimeQuality
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import ChipMisbehaved, HalError, OurMistake
from hal.packets import ConcentratorStatus, Crc, ReceivedFrame
from hal.ports import Concentrator

STATUS_INTERVAL_US = 15_000_000
ANCHOR_READINGS = 3
ANCHOR_DOUBT_US = 2_500
"""A reading of the counter that leaves more doubt is repeated, ``ANCHOR_READINGS`` times in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesReceived:
    """Frames of one fetch, with the monotonic instant of each one's end."""

    frames: tuple[tuple[ReceivedFrame, int], ...]
    session: int
    gps: GpsReference | None = None
    """The counter's last pulse of GPS time; None without GNSS and PPS."""

    def gps_us(self, frame: ReceivedFrame) -> int | None:
        """Return the GPS time of a frame's end; None where no pulse near enough says it."""
        near = self.gps is not None and self.gps.holds_at(frame.counter_us)
        return self.gps.gps_at(frame.counter_us) if self.gps is not None and near else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RadioChanged:
    """The radio's state from here on, or from ``since_us`` when that is earlier."""

    radio: Radio
    reason: Reason
    since_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovering:
    """A step of the recovery is taken."""

    step: Step
    reason: Reason


class ConcentratorFailed(ReasonedError, ChipMisbehaved):
    """The chip answers, and what it says of itself means that it does not receive."""


RadioEvent: TypeAlias = FramesReceived | RadioChanged | Recovering | Sent


class RadioThread:
    """Runs the concentrator; ``report`` is called in this thread."""

    def __init__(
        self,
        *,
        concentrator: Concentrator,
        clock: Clock,
        transmissions: TransmitQueue,
        report: Callable[[RadioEvent], None],
        sessions_from: int = 0,
        eui: str = "",
    ) -> None:
        self._concentrator = concentrator
        self._clock = clock
        self._transmissions = transmissions
        self._report = report
        self._pace = Pace()
        self.suspicion = Suspicion()
        self._ladder = Ladder()
        self._anchor: Anchor | None = None
        self._train = PulseTrain()
        self._session = sessions_from
        self._eui = eui
        self._running = False
        self._start_at_us = 0
        self._last_proof_us: int | None = None
        self._status_at_us = 0
        self._flights = Flights(concentrator, report)
        self._bell = threading.Lock()
        self._bell.acquire()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="radio", daemon=True)
        self.chip_eui = ""
        """The board's own EUI-64, also where it was refused; empty until it answered."""
        self.temperature_c: float | None = None
        self.status: ConcentratorStatus | None = None
        """The chip's last status; ``status_at_us`` is the monotonic instant of its reading."""
        self.status_at_us = 0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Make the next turn happen at once; called from any thread."""
        with suppress(RuntimeError):  # it rings already
            self._bell.release()

    def stop(self) -> None:
        """Ask the thread to stop the radio and end; returns at once."""
        self._stopping = True
        self.wake()

    def join(self, timeout_s: float) -> None:
        """Wait for the end of the thread."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopping:
            try:
                due_us = self.turn()
            except Exception as error:  # noqa: BLE001  # the one place: a bug must not leave a silent radio
                due_us = self._failed(OurMistake(repr(error), where="radio thread"))
            delay_us = due_us - self._clock.monotonic_us()
            if delay_us > 0:
                self._bell.acquire(timeout=delay_us / 1_000_000)
        self.close()

    def close(self) -> None:
        """Stop the radio, whatever its state."""
        if self._running:
            self._running = False
            try:
                self._concentrator.stop()
            except HalError as error:
                why = reasons.radio.stop_failed(cause=reason_of(error))
                self._say(Radio.OFF, why, self._clock.monotonic_us())

    def turn(self) -> int:
        """Do what is due and return the monotonic instant of the next turn."""
        now_us = self._clock.monotonic_us()
        try:
            if not self._running:
                if now_us < self._start_at_us:
                    return self._start_at_us
                self._start()
                now_us = self._clock.monotonic_us()
            received = self._fetch()
            try:
                self._watch(now_us)
                if self._pending:
                    self._send()
                return self._next_us(self._clock.monotonic_us())
            finally:
                # At last: it wakes the event loop, which cannot run beside this thread.
                if received is not None:
                    self._report(received)
        except HalError as error:
            return self._failed(error)

    def _start(self) -> None:
        self._concentrator.start()
        self.chip_eui = self._concentrator.eui
        if _is_another(self.chip_eui, self._eui):
            why = reasons.radio.other_gateway(chip_eui=self.chip_eui, order_eui=self._eui)
            raise ConcentratorFailed(why)
        self._session += 1
        self._running = True
        now_us = self._clock.monotonic_us()
        self._ladder = came_up(self._ladder, now_us)
        self.suspicion.started(now_us)
        self._read_anchor()
        self._last_proof_us = now_us
        self._status_at_us = now_us + STATUS_INTERVAL_US
        self._say(Radio.RECEIVING, reasons.radio.started(eui=self._concentrator.eui), now_us)

    def _fetch(self) -> FramesReceived | None:
        frames = self._concentrator.receive()
        if not frames or self._anchor is None:
            return None
        now_us = self._clock.monotonic_us()
        self._pace.frames_received(len(frames), now_us)
        self._last_proof_us = now_us
        if any(frame.crc is Crc.OK for frame in frames):
            self.suspicion.good_frame(now_us)
        timed = tuple((frame, min(self._anchor.monotonic_of(frame.counter_us), now_us)) for frame in frames)
        return FramesReceived(frames=timed, session=self._session, gps=self._train.reference)

    def _watch(self, now_us: int) -> None:
        if self._anchor is None or now_us - self._anchor.monotonic_us >= ANCHOR_INTERVAL_US:
            self._read_anchor()
        if now_us >= self._status_at_us:
            self._status_at_us = now_us + STATUS_INTERVAL_US
            status = self._concentrator.status()
            self.temperature_c, self.status, self.status_at_us = status.temperature_c, status, now_us
            suspicion = self.suspicion.status(status, now_us)
            if suspicion is not None:
                raise ConcentratorFailed(suspicion)
            self._last_proof_us = now_us

    def _read_anchor(self) -> None:
        last, self._anchor = self._anchor, self._reading()
        self._transmissions.anchored(self._anchor, self._gps_reference(self._anchor))
        if last is not None and last.session == self._session:
            suspicion = self.suspicion.counter(last, self._anchor)
            if suspicion is not None:
                raise ConcentratorFailed(suspicion)

    def _reading(self) -> Anchor:
        """Return the best of some readings: one during which this thread had to wait says little."""
        readings: list[Anchor] = []
        while len(readings) < ANCHOR_READINGS and all(one.doubt_us > ANCHOR_DOUBT_US for one in readings):
            before_us = self._clock.monotonic_us()
            counter_us = int(self._concentrator.counter_us())
            after_us = self._clock.monotonic_us()
            readings.append(
                Anchor(
                    counter_us=counter_us,
                    monotonic_us=(before_us + after_us) // 2,
                    session=self._session,
                    doubt_us=(after_us - before_us + 1) // 2,
                )
            )
        return min(readings, key=lambda reading: reading.doubt_us)

    def _gps_reference(self, anchor: Anchor) -> GpsReference | None:
        """Return the last pulse while pulses come; frames are dated by it for a while longer."""
        if self._clock.quality() is not TimeQuality.GNSS:
            return None
        pps_us = int(self._concentrator.trigger_counter_us())
        gps_us = gps_of_utc(self._clock.utc_us(), self._clock.leap_s())
        pulse = reference_of(anchor, pps_us, gps_us, self._clock.monotonic_us())
        if pulse is None:
            return None
        self._train = self._train.taking(pulse)
        return self._train.reference

    @property
    def _pending(self) -> bool:
        """Whether a downlink waits or is under way; mostly none does, and a round is over."""
        return self._transmissions.waiting or self._flights.under_way

    def _send(self) -> None:
        if self._anchor is None:
            return
        counter_us = self._anchor.counter_at(self._clock.monotonic_us())
        self._flights.follow(counter_us)
        entry = self._transmissions.due(counter_us)
        if entry is None:
            return
        try:
            self._concentrator.transmit(entry.transmission)
        except OurMistake as error:
            self._report(Sent(entry=entry, ok=False, reason=reason_of(error)))
        else:
            self._flights.add(entry)

    def _next_us(self, now_us: int) -> int:
        due_us = now_us + self._pace.interval_us(now_us)
        if self._anchor is not None and self._pending:
            queued_us = self._transmissions.next_due_us()
            counters = [] if queued_us is None else [queued_us]
            counters += self._flights.next_at_us()
            now_counter_us = self._anchor.counter_at(now_us)
            ahead_us = min((max(counter - now_counter_us, 1_000) for counter in counters), default=None)
            if ahead_us is not None:
                due_us = min(due_us, now_us + ahead_us)
        return due_us

    def _failed(self, error: HalError) -> int:
        now_us = self._clock.monotonic_us()
        was_running, self._running = self._running, False
        self._anchor, self._train = None, PulseTrain()
        self._transmissions.anchored(None, None)
        self._flights.lose(reason_of(error))
        since_us = self._last_proof_us if was_running and self._last_proof_us is not None else now_us
        deaf = was_running and isinstance(error, ChipMisbehaved)
        why = reason_of(error)
        self._say(Radio.DEAF if deaf else Radio.OFF, why, since_us)
        if isinstance(error, RestartRequested):
            step, wait_us = Step.RESTART_RX, 0
        else:
            self._ladder, step, wait_us = failed(self._ladder, now_us)
        self._report(Recovering(step=step, reason=why))
        try:
            self._concentrator.stop()
        except HalError as second:
            stop = reasons.radio.while_stopping(cause=reason_of(second))
            self._report(Recovering(step=step, reason=stop))
        self._start_at_us = now_us + wait_us
        return self._start_at_us

    def _say(self, radio: Radio, reason: Reason, since_us: int) -> None:
        self._report(RadioChanged(radio=radio, reason=reason, since_us=since_us))


def _is_another(chip_eui: str, order_eui: str) -> bool:
    """Return whether a chip says that it belongs elsewhere; one without an EUI of its own says nothing."""
    said = chip_eui.lower()
    return bool(order_eui) and said not in {"", "0" * 16, "f" * 16} and said != order_eui.lower()
