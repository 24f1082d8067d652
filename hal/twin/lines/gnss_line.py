"""The GNSS receiver on a pseudo-terminal, in step with the PPS of a virtual chip.

A thread says, ``SAY_AFTER_EDGE_S`` after each edge of the chip's PPS, what the receiver has to say of it.
"""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from hal.twin.chip import VirtualChip
from hal.twin.lines.gnss_receiver import GnssReceiver
from hal.twin.lines.pseudo_terminal import PseudoTerminal

SAY_AFTER_EDGE_S = 0.1
"""A NEO-M8 reports an epoch some 50 to 150 ms after its PPS."""

TOGETHER_US = 200
"""Two clocks read within so long count as read at once; a busy machine may need another try."""
TRIES = 20


class GnssLine:
    """The serial device of a receiver; aligns the chip's PPS with UTC seconds when it starts.

    ``ahead_s`` whole seconds are between this machine's clock and what the receiver says.
    """

    def __init__(
        self, chip: VirtualChip, receiver: GnssReceiver, *, link: Path | None = None, ahead_s: int = 0
    ) -> None:
        self._chip = chip
        self._ahead_s = ahead_s
        self._receiver = receiver
        self._closing = threading.Event()
        self.align()
        self.terminal = PseudoTerminal(receiver.feed, link=link)
        self._thread = threading.Thread(target=self._run, name=f"gnss {self.terminal.path}", daemon=True)
        self._thread.start()

    @property
    def path(self) -> str:
        """What a host opens."""
        return self.terminal.path

    def align(self) -> None:
        """Let an edge of the chip's PPS be where a UTC second begins."""
        now_s, now_us = _both_clocks()
        edge_us = now_us - round((now_s % 1) * 1_000_000)
        self._chip.pps.align(self._chip.clock.ticks_at(edge_us))

    def close(self) -> None:
        """Stop talking and remove the device."""
        self._closing.set()
        self._thread.join()
        self.terminal.vanish()

    def __enter__(self) -> "GnssLine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        clock, pps = self._chip.clock, self._chip.pps
        while True:
            edge_us = clock.host_us(pps.next(self._chip.now_ticks()))
            wait_s = (edge_us - _monotonic_us()) / 1_000_000 + SAY_AFTER_EDGE_S
            if self._closing.wait(max(0.0, wait_s)):
                return
            now_s, now_us = _both_clocks()
            edge_s = round(now_s - (now_us - edge_us) / 1_000_000) + self._ahead_s
            self.terminal.say(self._receiver.second(datetime.fromtimestamp(edge_s, UTC)))


def _monotonic_us() -> int:
    return time.monotonic_ns() // 1000


def _both_clocks() -> tuple[float, int]:
    """Return UTC in seconds and the monotonic clock in microseconds, read close together."""
    for _ in range(TRIES):
        before_us, now_s, after_us = _monotonic_us(), time.time(), _monotonic_us()
        if after_us - before_us <= TOGETHER_US:
            break
    return now_s, (before_us + after_us) // 2
