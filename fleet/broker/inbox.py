"""Messages between the MQTT thread and the engine: bounded, in order of arrival.

At ``INBOX_LIMIT`` the MQTT thread waits; the broker then holds what comes (its own limit is
``max_queued_messages``).  A message of QoS 1 is acknowledged after it was committed, so none of them is lost
by a crash in between.
"""

import contextlib
import queue
import threading
from dataclasses import dataclass

from fleet.broker.received import Received

INBOX_LIMIT = 20_000
"""Messages: 30 s of 20,000 gateways."""
BATCH_LIMIT = 2_000
"""Messages of one transaction."""
OFFER_WAIT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Messages since the start; they settle in the order in which they came."""

    offered: int
    """How many came."""
    settled: int
    """How many of them are stored or refused; those of a batch at work are not yet."""


class Inbox:
    """A bounded queue with batches."""

    def __init__(self, limit: int = INBOX_LIMIT) -> None:
        self._queue: queue.Queue[Received | None] = queue.Queue(limit)
        self._closing = threading.Event()
        self._offered = self._settled = 0

    @property
    def flow(self) -> Flow:
        """What came, and what of it is settled."""
        return Flow(offered=self._offered, settled=self._settled)

    def settle(self, messages: int) -> None:
        """Note that the oldest ``messages`` that were taken are stored or refused; for the taker."""
        self._settled += messages

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return self._queue.qsize()

    def offer(self, message: Received) -> bool:
        """Add ``message``, waiting while full; False once closed."""
        while not self._closing.is_set():
            try:
                self._queue.put(message, timeout=OFFER_WAIT_S)
            except queue.Full:
                continue
            self._offered += 1
            return True
        return False

    def take(self, wait_s: float, gather_s: float = 0.0) -> list[Received]:
        """Return up to ``BATCH_LIMIT`` messages, waiting up to ``wait_s`` for the first.

        After the first it waits ``gather_s`` for others, so that they share one commit.
        """
        batch: list[Received] = []
        try:
            first = self._queue.get(timeout=wait_s) if wait_s > 0 else self._queue.get_nowait()
            if first is not None and self._queue.qsize() < BATCH_LIMIT:
                self._closing.wait(gather_s)
            while first is not None:
                batch.append(first)
                if len(batch) >= BATCH_LIMIT:
                    break
                first = self._queue.get_nowait()
        except queue.Empty:
            pass
        return batch

    def close(self) -> None:
        """Refuse further messages and wake whoever waits."""
        self._closing.set()
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)
