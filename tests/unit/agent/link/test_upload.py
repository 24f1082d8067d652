import asyncio
from pathlib import Path

import pytest

from agent.journal.store import EVENT, JOURNAL, Outbox
from agent.link.upload import EVENTS_AT_ONCE, LinkCounts, Uploader
from agent.wire.messages import (
    Change,
    Gone,
    JournalAcked,
    JournalBatch,
    JournalRecord,
    Noted,
    SeqSpan,
    TimeQuality,
    WireError,
    decode,
    encode,
)


def record(seq: int) -> JournalRecord:
    return JournalRecord(1, seq, 0, 0, TimeQuality.NTP, Change.RADIO, "radio", "OFF", "")


class World:
    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / "o.db")
        self.sent: list[tuple[str, bytes]] = []
        self.counts = LinkCounts()
        self.broken = False
        self.uploader = Uploader(self.outbox, self.publish, self.counts)

    async def publish(self, leaf: str, payload: bytes) -> None:
        if self.broken:
            raise ConnectionError("no PUBACK")
        self.sent.append((leaf, payload))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_records_leave_in_order_and_stay_until_the_fleet_acknowledges_them(world: World) -> None:
    world.outbox.append(JOURNAL, [(1, seq, record(seq)) for seq in range(1, 6)])
    assert asyncio.run(world.uploader.journal()) == 5
    ((leaf, payload),) = world.sent
    assert decode(leaf, payload) == JournalBatch(tuple(record(seq) for seq in range(1, 6)))
    assert (world.outbox.pending(JOURNAL), world.outbox.kept(JOURNAL)) == (0, 5)
    assert asyncio.run(world.uploader.journal()) == 0
    world.uploader.acknowledged(encode(JournalAcked(1, 4)))
    assert (world.outbox.pending(JOURNAL), world.outbox.kept(JOURNAL)) == (0, 1)


def test_what_the_fleet_misses_is_sent_again_and_what_is_gone_is_named(world: World) -> None:
    world.outbox.append(JOURNAL, [(1, seq, record(seq)) for seq in (3, 4, 5, 8)])
    asyncio.run(world.uploader.journal())
    world.uploader.acknowledged(encode(JournalAcked(1, 3, (SeqSpan(4, 4), SeqSpan(6, 9)))))
    assert asyncio.run(world.uploader.journal()) == 2
    assert decode(*world.sent[-1]) == JournalBatch((record(4), record(8)), (Gone(1, 6, 7), Gone(1, 9, 9)))
    assert (world.counts.records_gone, world.counts.acknowledgements) == (3, 1)
    assert asyncio.run(world.uploader.journal()) == 0


def test_a_boot_of_which_nothing_is_left_is_answered_without_records(world: World) -> None:
    world.uploader.acknowledged(encode(JournalAcked(77, 2, (SeqSpan(3, 9),))))
    asyncio.run(world.uploader.journal())
    assert decode(*world.sent[-1]) == JournalBatch((), (Gone(77, 3, 9),))


def test_what_is_no_acknowledgement_is_refused(world: World) -> None:
    with pytest.raises(WireError, match="journal/ack"):
        world.uploader.acknowledged(b"?")


def test_without_puback_nothing_is_forgotten(world: World) -> None:
    world.outbox.append(JOURNAL, [(1, 1, record(1))])
    world.outbox.append(EVENT, [(1, 1, Noted(1, 1, 0, "a"))])
    world.broken = True
    for upload in (world.uploader.journal, world.uploader.events):
        with pytest.raises(ConnectionError):
            asyncio.run(upload())
    assert (world.outbox.pending(JOURNAL), world.outbox.pending(EVENT)) == (1, 1)


def test_an_unreadable_row_is_counted_and_blocks_nothing(world: World) -> None:
    world.outbox._database.execute(
        "INSERT INTO outbox (kind, boot, seq, body) VALUES ('journal', 1, 1, x'c1')"
    )
    world.outbox._counts[JOURNAL] += 1
    asyncio.run(world.uploader.journal())
    assert (world.counts.unreadable_rows, world.outbox.pending(JOURNAL), world.sent) == (1, 0, [])


@pytest.mark.parametrize(
    ("count", "first"), [(EVENTS_AT_ONCE - 1, 9), (EVENTS_AT_ONCE, 10), (EVENTS_AT_ONCE + 1, 10)]
)
def test_events_leave_a_handful_at_a_time(world: World, count: int, first: int) -> None:
    world.outbox.append(EVENT, [(1, seq, Noted(1, seq, 0, "a")) for seq in range(count)])
    assert asyncio.run(world.uploader.events()) == first
    assert world.counts.events_uploaded == first


def test_while_saving_events_wait_and_the_journal_goes(world: World) -> None:
    world.outbox.append(JOURNAL, [(1, 1, record(1))])
    world.outbox.append(EVENT, [(1, 1, Noted(1, 1, 0, "a"))])

    async def a_moment() -> None:
        task = asyncio.create_task(world.uploader.run(lambda: True))
        while world.outbox.pending(JOURNAL):
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(a_moment())
    assert [leaf for leaf, _ in world.sent] == ["journal"]
    assert world.outbox.pending(EVENT) == 1
