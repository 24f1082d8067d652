"""The spool beside traffic: group commit, bounds, a full disk, a damaged file, a restart."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.journal_port import MemoryJournal
from agent.record import PLAUSIBLE_AGE_US, age_us
from agent.spool.disk import SpoolCorrupted, SpoolDisk
from agent.spool.files import FILE_NAME, SpoolFiles
from agent.spool.numbering import BLIND_IDS_FROM, IDS_RESERVED, RESERVE_AHEAD
from agent.spool.ports import Callbacks, SpoolEntry
from agent.spool.spool import Spool
from agent.spool.writing import AUDIT_EVERY_US
from agent.wire import reasons
from agent.wire.configuration import Limits
from agent.wire.messages import TimeQuality
from tests.datapath.virtual import JUNE_2024_US, ManualClock, data_up, record

pytestmark = pytest.mark.anyio
LNS = 1
EUI = "0016c001f12a3b4c"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Running:
    """A spool whose clock the test moves; ``commit`` makes everything due."""

    def __init__(
        self,
        path: Path,
        limits: Limits | None = None,
        boot: int = 1,
        names: tuple[str, ...] = ("lns",),
    ) -> None:
        self.names = names
        self.clock = ManualClock()
        self.journal = MemoryJournal(self.clock)
        self.gone: list[tuple[int, str]] = []
        self.reloaded: list[int] = []
        self.spool = Spool(
            files=SpoolFiles(path, EUI),
            limits=limits or Limits(),
            clock=self.clock,
            boot=boot,
            journal=self.journal,
            callbacks=Callbacks(evicted=self._evicted, reload=self._reload),
        )

    def _evicted(self, entries: list[SpoolEntry], reason: str) -> None:
        self.gone += [(record_id, reason) for _, record_id, _, _ in entries]

    async def _reload(self) -> None:
        await self.spool.load(self.names)
        self.reloaded = await self.waiting_ids()

    @property
    def bits(self) -> dict[str, int]:
        return self.spool.holdings.bits

    async def __aenter__(self) -> "Running":
        await self.spool.open(self.names)
        self.task = asyncio.create_task(self.spool.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def hear(self, count: int = 1) -> list[int]:
        ids = [self.spool.new_id() for _ in range(count)]
        for record_id in ids:
            self.spool.add(record(record_id, monotonic_us=self.clock.now_us), LNS)
        return ids

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                self.clock.now_us += 10_000
                self.spool.settle([], 0)
                await asyncio.sleep(0.001)

    async def commit(self) -> None:
        commits = self.spool.counts["commits"]
        await self.until(lambda: self.spool.counts["commits"] > commits)

    async def waiting_ids(self) -> list[int]:
        found: list[int] = []
        await self.spool.restore(
            lambda entries: found.extend(entry[0] for entry in entries),
            lambda records: found.extend(record.id for record, _ in records),
        )
        return found

    def recorded(self) -> list[str]:
        return [change.value for change in self.journal.changes()]


async def test_what_was_committed_is_there_after_a_restart_and_ids_go_on(tmp_path: Path) -> None:
    async with Running(tmp_path) as first:
        ids = first.hear(3)
        await first.commit()
        first.spool.settle(ids[:1], LNS)
        await first.commit()
    async with Running(tmp_path, boot=2) as second:
        assert await second.waiting_ids() == ids[1:]
        assert second.spool.new_id() > max(ids)
        assert [kept.id for kept in await second.spool.read(ids)] == ids[1:]


async def test_an_orderly_stop_commits_what_was_not_due(tmp_path: Path) -> None:
    async with Running(tmp_path) as first:
        ids = first.hear(2)
    async with Running(tmp_path) as second:
        assert await second.waiting_ids() == ids


async def test_what_is_acknowledged_in_time_is_never_written(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        running.spool.settle(running.hear(10), LNS)
        assert running.spool.holdings.frames == 0
    assert running.spool.counts["written"] == 0
    disk = SpoolDisk(tmp_path / FILE_NAME)
    assert disk.records == 0
    disk.close()


async def test_unwritten_records_can_be_read_and_are_found_by_a_new_connector(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        ids = running.hear(2)
        assert [kept.id for kept in await running.spool.read([*ids, 99])] == ids
        assert await running.waiting_ids() == ids


async def test_the_bound_by_count_drops_the_oldest(tmp_path: Path) -> None:
    async with Running(tmp_path, Limits(spool_records=100)) as running:
        ids = running.hear(100)
        await running.commit()
        assert running.gone == []
        running.hear(3)
        await running.commit()
        await running.until(lambda: running.gone)
        assert running.gone == [(record_id, "spool_count") for record_id in ids[:3]]
        assert running.spool.holdings.frames == 100


async def test_the_bound_by_age_trusts_the_monotonic_clock_only(tmp_path: Path) -> None:
    limits = Limits(spool_age_s=3600)
    async with Running(tmp_path, limits) as running:
        old = running.hear(2)
        await running.commit()
        running.clock.offset_us += 10 * 365 * 86_400_000_000
        running.hear()
        await running.commit()
        assert running.gone == []
        running.clock.now_us += 3600 * 1_000_000
        running.hear()
        await running.commit()
        await running.until(lambda: running.gone)
        assert [record_id for record_id, _ in running.gone][:2] == old


@pytest.mark.parametrize(
    ("boot", "stored", "present", "later_us", "age"),
    [
        (1, TimeQuality.UNTRUSTED, TimeQuality.UNTRUSTED, 100, 9),
        (2, TimeQuality.NTP, TimeQuality.NTP, 100, 100),
        (2, TimeQuality.UNTRUSTED, TimeQuality.NTP, 100, None),
        (2, TimeQuality.NTP, TimeQuality.UNTRUSTED, 100, None),
        (2, TimeQuality.NTP, TimeQuality.NTP, -1, None),
        (2, TimeQuality.NTP, TimeQuality.NTP, PLAUSIBLE_AGE_US, PLAUSIBLE_AGE_US),
        (2, TimeQuality.GNSS, TimeQuality.GNSS, PLAUSIBLE_AGE_US + 1, None),
    ],
)
def test_age(boot: int, stored: TimeQuality, present: TimeQuality, later_us: int, age: int | None) -> None:
    kept = record(1, monotonic_us=1, time_quality=int(stored), received_at_us=JUNE_2024_US)
    assert age_us(kept, boot, 10, JUNE_2024_US + later_us, present) == age


async def test_a_full_disk_is_reported_and_nothing_is_lost_while_memory_lasts(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        disk = running.spool._disk
        assert disk is not None
        disk.limit_pages(1)
        ids = running.hear(200)
        await running.until(lambda: not running.spool.accepting)
        assert running.spool.holdings.frames == 200
        assert [kept.id for kept in await running.spool.read(ids)] == ids
        disk.limit_pages(1 << 20)
        await running.until(lambda: running.spool.accepting)
        assert disk.records == 200
    assert running.recorded() == ["FULL", "ACCEPTING"]


async def test_a_folder_that_comes_later_keeps_what_was_heard_for_whom_it_waits(tmp_path: Path) -> None:
    folder = tmp_path / "late"
    async with Running(folder, names=("other", "lns")) as running:
        assert running.bits == {"other": 0, "lns": 1}
        record_id = running.spool.new_id()
        running.spool.add(record(record_id), 1 << running.bits["lns"])
        await running.until(lambda: "FULL" in running.recorded())
        folder.mkdir()
        await running.until(lambda: running.spool.accepting and running.reloaded)
    async with Running(folder, boot=2, names=("lns", "other")) as again:
        assert again.bits == {"other": 0, "lns": 1}
        assert record_id > BLIND_IDS_FROM
        assert await again.waiting_ids() == running.reloaded == [1]


async def test_a_disk_that_writes_again_is_told_although_no_frame_has_to_be_written(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        disk = running.spool._disk
        assert disk is not None
        running.hear()
        await running.commit()
        disk.limit_pages(1)
        ids = running.hear(200)
        await running.until(lambda: not running.spool.accepting)
        running.spool.settle(ids, LNS)
        assert running.spool.holdings.group.due_at_us() is None
        disk.limit_pages(1 << 20)
        await running.until(lambda: running.spool.accepting)
    assert running.recorded() == ["FULL", "ACCEPTING"]


async def test_a_damaged_file_is_moved_aside_at_the_start(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"damaged" * 1000)
    async with Running(tmp_path) as running:
        await running.until(running.journal.changes)
        running.hear()
        await running.commit()
        assert running.spool.holdings.frames == 1
    assert running.recorded() == ["QUARANTINED", "ACCEPTING"]
    assert list(tmp_path.glob("spool.db.damaged-*"))


def _corrupted(*_: object) -> None:
    raise SpoolCorrupted(reasons.spool.damaged(detail="malformed"))


@pytest.mark.slow
async def test_a_file_damaged_while_in_use_is_replaced_and_what_is_whole_in_it_is_saved(
    tmp_path: Path,
) -> None:
    async with Running(tmp_path) as running:
        running.hear(3)
        await running.commit()
        disk = running.spool._disk
        assert disk is not None
        disk.commit = _corrupted  # type: ignore[method-assign]
        running.hear(100)
        await running.until(lambda: "QUARANTINED" in running.recorded())
        await running.until(lambda: running.spool.accepting and not running.spool.holdings.group.unwritten)
        assert running.spool.holdings.frames == 103
        assert running.spool.counts["salvaged"] == 3
        assert len(await running.waiting_ids()) == 103


async def test_a_retired_connector_takes_its_frames_with_it(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        running.hear(2)
        await running.commit()
        waiting = running.hear()
        await running.spool.keep(["other"])
        assert running.bits == {"other": 0}
        assert (running.spool.holdings.frames, await running.waiting_ids()) == (0, []), waiting


async def test_an_id_that_is_there_already_is_counted_told_and_survived(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        disk = running.spool._disk
        assert disk is not None
        taken = running.spool._numbering.next_id
        disk.commit([(record(taken, data_up(fcnt=77)), LNS)], [])
        running.hear(2)
        await running.until(lambda: running.reloaded and running.spool.accepting)
        await running.commit()
        assert running.spool.counts["collided"] == 1
        assert running.reloaded == [taken, *(number for number in running.reloaded[1:])]
        assert len(await running.spool.read(running.reloaded) or []) == 3
    assert running.recorded() == ["COLLIDED", "ACCEPTING"]


async def test_ids_are_noted_before_they_are_used_up(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        first = running.spool.new_id()
        for _ in range(RESERVE_AHEAD):
            running.spool.new_id()
        await running.until(lambda: not running.spool._numbering.low)
        assert running.spool.new_id() == first + RESERVE_AHEAD + 1
        disk = running.spool._disk
        assert disk is not None
        assert disk.last_id() > first + IDS_RESERVED


async def test_a_row_that_vanishes_is_found_by_the_count_of_the_file(tmp_path: Path) -> None:
    async with Running(tmp_path) as running:
        ids = running.hear(3)
        await running.commit()
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other, other:
            other.execute("DELETE FROM frame WHERE id = ?", (ids[0],))
        running.clock.now_us += AUDIT_EVERY_US
        await running.until(lambda: running.spool.counts["audits"])
        assert running.spool.holdings.waiting("lns") == 3
        assert running.spool.holdings.difference("lns") == -1
