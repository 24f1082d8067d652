"""The GNSS receiver on a pseudo-terminal, in step with the PPS of a virtual chip.

A thread says each second, ``SAY_AFTER_EDGE_S`` after the edge, what the receiver has to say of it.
"""

import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from hal.twin.chip import VirtualChip
from hal.twin.gnss_receiver import GnssReceiver
from hal.twin.pseudo_terminal import PseudoTerminal

SAY_AFTER_EDGE_S = 0.1
"""A NEO-M8 reports an epoch some 50 to 150 ms after its PPS."""


class GnssLine:
    """The serial device of a receiver; aligns the chip's PPS with UTC seconds when it starts."""

    def __init__(self, chip: VirtualChip, receiver: GnssReceiver, *, link: Path | None = None) -> None:
        self._chip = chip
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
        now_s, now_us = time.time(), time.monotonic_ns() // 1000
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
        while True:
            now_s = time.time()
            edge_s = int(now_s - SAY_AFTER_EDGE_S) + 1
            if self._closing.wait(edge_s + SAY_AFTER_EDGE_S - now_s):
                return
            self.terminal.say(self._receiver.second(datetime.fromtimestamp(edge_s, UTC)))
