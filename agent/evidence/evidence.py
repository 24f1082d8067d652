"""What the data path keeps beside the traffic: sketches of a day, the RF picture, a metrics page."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from agent.clock import Clock
from agent.evidence.rf import RfPicture, UnsentDownlinks
from agent.evidence.sketches import Sketchbook, decode_book, encode_book
from agent.journal_port import JournalPort
from agent.local_page import LocalPage
from agent.observation import DataPathState
from agent.record import Record
from agent.wire.messages import TimeQuality
from hal.packets import ReceivedFrame

SAVE_INTERVAL_US = 600_000_000
"""Sketches are kept on disk this often: what a power cut takes of them is ten minutes of evidence."""
PICTURE_INTERVAL_US = 3_600_000_000
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""
FILE_NAME = "heard.msgpack"


class Evidence:
    """Called for every frame and once a second."""

    def __init__(
        self,
        *,
        directory: Path,
        clock: Clock,
        journal: JournalPort,
        state: Callable[[], DataPathState],
    ) -> None:
        self._path = directory / FILE_NAME
        self._clock = clock
        self._journal = journal
        self._state = state
        self._book = Sketchbook()
        self._picture = RfPicture()
        self._occupied = UnsentDownlinks()
        self._saved_us = self._pictured_us = clock.monotonic_us()
        self._page: asyncio.Server | None = None
        self.write_failed = 0

    def load(self) -> None:
        """Take in the day that an earlier run began."""
        try:
            self._book = decode_book(self._path.read_bytes())
        except FileNotFoundError:
            return
        except OSError:
            self.write_failed += 1

    def on_air(self, frame: ReceivedFrame) -> None:
        """Take in a frame of any CRC."""
        self._picture.frame_received(frame)

    def noise_floor(self) -> tuple[float | None, int]:
        """Return the noise floor in dBm, estimated, and from how many frames since the start."""
        return self._picture.noise_floor_dbm(), self._picture.noise_samples

    def noise_measured(self, frequency_hz: int, floor_dbm: float) -> None:
        """Take in what an SX1261 measured."""
        self._picture.measured(frequency_hz, floor_dbm)

    def blocked(self, frequency_hz: int) -> None:
        """Take in that listen before talk forbade a downlink."""
        self._occupied.unsent(str(frequency_hz))

    def frame_received(self, record: Record) -> None:
        """Take in a good frame; without trusted time it belongs to no day."""
        if record.time_quality != TimeQuality.UNTRUSTED:
            self._turn(record.received_at_us)
            self._book.frame_received(record, record.received_at_us)

    def _turn(self, utc_us: int) -> None:
        for sketch in self._book.turn(utc_us):
            self._journal.put(sketch)

    def tick(self) -> None:
        """Do what is due."""
        now_us = self._clock.monotonic_us()
        if self._clock.quality() is not TimeQuality.UNTRUSTED:
            self._turn(self._clock.utc_us())
        if self._book.changed and now_us - self._saved_us >= SAVE_INTERVAL_US:
            self.save()
        occupied = self._occupied.due(now_us)
        if occupied:
            self._journal.note("lbt_blocked", occupied)
        if now_us - self._pictured_us >= PICTURE_INTERVAL_US:
            self._pictured_us = now_us
            self._journal.note("rf_picture", self._picture.fields())

    def save(self) -> None:
        """Keep the day on disk, in one step."""
        self._saved_us, self._book.changed = self._clock.monotonic_us(), False
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(encode_book(self._book))
            fresh.replace(self._path)
        except OSError:
            self.write_failed += 1

    async def serve(self, port: int) -> None:
        """Serve the metrics page on a port, or nowhere for 0; a port that is taken is counted, no more."""
        if self._page is not None:
            self._page.close()
            self._page = None
        if port:
            try:
                self._page = await LocalPage(
                    lambda _: self.text(), path="/metrics", content_type=METRICS_TYPE
                ).serve(port)
            except OSError:
                self.write_failed += 1

    def text(self) -> str:
        """Return the metrics page; its library is loaded by the first reader."""
        from agent.evidence.exposition import exposition

        return exposition(self._picture, self._state())

    def close(self) -> None:
        """Keep the day and close the page."""
        self.save()
        if self._page is not None:
            self._page.close()
