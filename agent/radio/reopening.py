"""A concentrator that is opened anew at every start: a missing device is a radio that is OFF, not a crash.

Board, region and sync word are built into a concentrator, so a configuration that changes them, or a
command to reset, ends the running one; the radio thread's own recovery then starts the next.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from agent.radio.recovery import RestartRequested
from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import HalError, LineFailed
from hal.packets import ConcentratorStatus, ReceivedFrame, Spectrum, Transmission, TxState
from hal.ports import Concentrator
from hal.units import Hz, Micros

JOBS_LIMIT = 8
"""Jobs of commands waiting for the radio thread."""


class JobRefused(ReasonedError, LineFailed):
    """The radio cannot do a job of a command now."""


class ReopeningConcentrator:
    """``hal.ports.Concentrator``; ``restart`` may be called from any thread."""

    def __init__(self, opening: Callable[[], Concentrator]) -> None:
        self._opening = opening
        self._inner: Concentrator | None = None
        self._eui = ""
        self._restart_because: Reason | None = None
        self._jobs: deque[tuple[Callable[[Concentrator], Any], Future[Any]]] = deque()
        self._lock = threading.Lock()

    def restart(self, why: Reason) -> None:
        """Make the next ``receive`` end this start, so that the next one opens again."""
        with self._lock:
            self._restart_because = why

    def ask(self, job: Callable[[Concentrator], Any]) -> Future[Any]:
        """Run ``job`` in the radio thread, between two fetches; from any thread."""
        future: Future[Any] = Future()
        with self._lock:
            if self._inner is None or len(self._jobs) >= JOBS_LIMIT:
                full = reasons.radio.jobs_wait(limit_jobs=JOBS_LIMIT)
                future.set_exception(JobRefused(reasons.radio.off() if self._inner is None else full))
            else:
                self._jobs.append((job, future))
        return future

    def _serve_jobs(self) -> None:
        while self._jobs:
            job, future = self._jobs.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(job(self._open()))
            except (HalError, ValueError, AttributeError) as error:
                future.set_exception(error)

    def _open(self) -> Concentrator:
        if self._inner is None:
            raise JobRefused(reasons.radio.off())
        return self._inner

    @property
    def eui(self) -> str:
        return self._inner.eui if self._inner is not None else self._eui

    def start(self) -> None:
        with self._lock:
            self._restart_because = None
        self._inner = self._opening()
        self._inner.start()
        self._eui = self._inner.eui

    def stop(self) -> None:
        inner, self._inner = self._inner, None
        while self._jobs:
            _, future = self._jobs.popleft()
            if future.set_running_or_notify_cancel():
                future.set_exception(JobRefused(reasons.radio.stopped_meanwhile()))
        if inner is not None:
            inner.stop()

    def receive(self) -> list[ReceivedFrame]:
        with self._lock:
            why, self._restart_because = self._restart_because, None
        if why is not None:
            raise RestartRequested(why)
        self._serve_jobs()
        return self._open().receive()

    def transmit(self, transmission: Transmission) -> None:
        self._open().transmit(transmission)

    def tx_state(self, rf_chain: int) -> TxState:
        return self._open().tx_state(rf_chain)

    def abort(self, rf_chain: int) -> None:
        self._open().abort(rf_chain)

    def status(self) -> ConcentratorStatus:
        return self._open().status()

    def counter_us(self) -> Micros:
        return self._open().counter_us()

    def trigger_counter_us(self) -> Micros:
        return self._open().trigger_counter_us()

    def temperature_c(self) -> float | None:
        return self._open().temperature_c()

    def spectral_scan(self, frequency_hz: Hz) -> Spectrum:
        return self._open().spectral_scan(frequency_hz)
