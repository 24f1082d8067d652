"""Journal and events from the outbox on disk to the broker; journal records stay until the fleet has them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.journal.store import EVENT, JOURNAL, Outbox
from agent.link.step import BATCH_BYTES, BATCH_RECORDS, batch_message
from agent.wire import topics
from agent.wire.messages import Gone, JournalAcked, WireError, decode

EVENTS_AT_ONCE = 10
"""Events published before the first PUBACK is awaited; paho has at most 20 on their way."""
UPLOAD_CHECK_S = 1.0
"""How often the outbox is looked at while it is empty."""


@dataclass(slots=True)
class LinkCounts:
    """Counts since this boot."""

    sessions: int = 0
    heartbeats_sent: int = 0
    heartbeats_missed: int = 0
    """Not sent for want of a session; the sequence shows the gap."""
    records_uploaded: int = 0
    """Given to the broker; the same record counts again when it is sent again."""
    records_gone: int = 0
    """Named missing by the fleet, and here no more."""
    acknowledgements: int = 0
    """Messages of the fleet that say what it has of the journal."""
    events_uploaded: int = 0
    unreadable_rows: int = 0
    unknown_topics: int = 0
    replies_dropped: int = 0

    def take(self, read: Callable[[bytes], None], payload: bytes) -> None:
        """Read what the fleet sent; what is not readable is counted."""
        try:
            read(payload)
        except WireError:
            self.unknown_topics += 1


class Uploader:
    """One session's upload; ``publish`` returns after PUBACK."""

    def __init__(
        self, outbox: Outbox, publish: Callable[[str, bytes], Awaitable[None]], counts: LinkCounts
    ) -> None:
        self._outbox, self._publish, self._counts = outbox, publish, counts
        self._gone: tuple[Gone, ...] = ()

    def acknowledged(self, payload: bytes) -> None:
        """Take in what the fleet has of the journal, and what it misses.

        Raises:
            WireError: this is no acknowledgement.
        """
        acked = decode(topics.JOURNAL_ACK, payload)
        assert isinstance(acked, JournalAcked)
        self._counts.acknowledgements += 1
        self._outbox.settle(acked.boot, acked.through_seq)
        if acked.missing:
            self._gone = self._outbox.send_again(acked.boot, acked.missing)

    async def run(self, saving: Callable[[], bool]) -> None:
        """Upload until cancelled; while ``saving`` events wait on disk."""
        while True:
            sent = await self.journal() + (0 if saving() else await self.events())
            if not sent:
                await asyncio.sleep(UPLOAD_CHECK_S)

    async def journal(self) -> int:
        """Send one message of records and return how many rows that was."""
        gone, self._gone = self._gone, ()
        if not self._outbox.pending(JOURNAL) and not gone:
            return 0
        rows = self._outbox.oldest(JOURNAL, limit=BATCH_RECORDS, limit_bytes=BATCH_BYTES)
        identities = [identity for identity, _ in rows]
        try:
            message = batch_message([body for _, body in rows], gone)
        except WireError:
            self._counts.unreadable_rows += len(rows)
            self._outbox.acknowledged(JOURNAL, identities)
        else:
            await self._publish(topics.JOURNAL, message)
            self._counts.records_uploaded += len(rows)
            self._counts.records_gone += sum(span.last_seq - span.first_seq + 1 for span in gone)
            self._outbox.sent(identities)
        return len(rows)

    async def events(self) -> int:
        """Send a handful of events together and return how many."""
        if not self._outbox.pending(EVENT):
            return 0
        rows = self._outbox.oldest(EVENT, limit=EVENTS_AT_ONCE, limit_bytes=BATCH_BYTES)
        await asyncio.gather(*(self._publish(topics.EVENT, body) for _, body in rows))
        self._outbox.acknowledged(EVENT, [identity for identity, _ in rows])
        self._counts.events_uploaded += len(rows)
        return len(rows)
