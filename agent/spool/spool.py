"""The spool as the data path sees it: group commit beside the traffic, one thread for the disk.

    unwritten ── 200 ms or 64 frames ──▶ on disk ── acknowledged by all ──▶ gone
        └── acknowledged before that ──▶ never written

A disk that takes nothing leaves the frames in memory (bounded), which is reported; a damaged file is
moved aside and a new one started, which is reported too.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from agent.clock import Clock
from agent.failures import reason_of
from agent.journal_port import JournalPort
from agent.record import Record, age_us
from agent.spool.disk import PAGE_BYTES, SpoolCorrupted, SpoolDisk, SpoolEntry, SpoolUnwritable, Waiting
from agent.spool.group import COMMIT_DELAY_US, Batch, Group
from agent.spool.repair import quarantine, salvage
from agent.wire import reasons
from agent.wire.configuration import Limits
from agent.wire.messages import Change
from agent.wire.reasons import Reason

RETRY_S = 5.0
"""While the disk takes nothing, a write is tried so often."""
IDS_RESERVED = 100_000
"""Ids noted on disk at a time, so that an id is never used twice although most frames are never written."""
PLACES_READ = 10_000
FILE_PER_BOUND = 2
"""The file may be this many times the bound of bytes: half-filled pages and what awaits its check-point."""
FILE_NAME = "spool.db"

Evicted: TypeAlias = Callable[[list[SpoolEntry], str], None]
"""Called with what had to go and the reason."""
_Result = TypeVar("_Result")


class Spool:
    """One gateway's spool; all methods belong to the event loop's thread."""

    def __init__(
        self,
        *,
        directory: Path,
        limits: Limits,
        clock: Clock,
        boot: int,
        journal: JournalPort,
        evicted: Evicted,
    ) -> None:
        self._path = directory / FILE_NAME
        self._limits = limits
        self._clock = clock
        self._boot = boot
        self._journal = journal
        self._evicted = evicted
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._disk: SpoolDisk | None = None
        self._bits: dict[str, int] = {}
        self._group = Group()
        self._committing: Batch | None = None
        self._wake = asyncio.Event()
        self._steady = asyncio.Lock()
        self._next_id = 1
        self._reserved = 0
        self._retry_at_us = 0
        self.accepting = True
        self.counts: Counter[str] = Counter()

    @property
    def records(self) -> int:
        """Frames that some server has not acknowledged, written or not."""
        return (self._disk.records if self._disk else 0) + len(self._group.unwritten)

    async def open(self, names: Sequence[str]) -> dict[str, int]:
        """Open the file, quarantining a damaged one, and return the bit of each connector."""
        self._loop = asyncio.get_running_loop()
        return await self._in_thread(lambda: self._open(tuple(names)))

    def _open(self, names: Sequence[str]) -> dict[str, int]:
        try:
            self._disk = SpoolDisk(self._path)
            return self._enter(self._disk, names)
        except SpoolCorrupted as error:
            self._replace(error.why)
        except SpoolUnwritable as error:
            self._unwritable(error.why)
        if self._disk is not None:
            return self._enter(self._disk, names)
        self._bits = {name: bit for bit, name in enumerate(names)}
        return self._bits

    def _enter(self, disk: SpoolDisk, names: Sequence[str]) -> dict[str, int]:
        self.counts["retired"] += disk.retire(names)
        bits = self._bits = {name: disk.bit_of(name) for name in names}
        disk.limit_pages(FILE_PER_BOUND * self._limits.spool_bytes // PAGE_BYTES)
        self._next_id = max(self._next_id, disk.last_id() + 1)
        return bits

    def _replace(self, why: Reason) -> None:
        if self._disk is not None:
            self._disk.close()
            self._disk = None
        try:
            aside = quarantine(self._path, self._clock.utc_us() // 1_000_000)
            saved = salvage(aside, self._path)
            self.counts["quarantined"] += 1
            self.counts["salvaged"] += saved
            moved = reasons.spool.quarantined(cause=why, file=aside.name, saved_frames=saved)
            self._tell("QUARANTINED", moved)
            self._disk = SpoolDisk(self._path)
            self._disk.adopt(self._bits)
        except (SpoolCorrupted, SpoolUnwritable, OSError) as error:
            self._disk = None
            self._unwritable(reason_of(error))

    async def restore(self, take: Callable[[list[Waiting]], None]) -> None:
        """Hand over the place of every record that waits, oldest first; commits wait meanwhile."""
        async with self._steady:
            after = 0
            disk = self._disk
            while disk is not None:
                page = await self._in_thread(partial(disk.waiting, after=after, count=PLACES_READ))
                if not page:
                    break
                after = page[-1][0]
                take([entry for entry in map(self._unsettled, page) if entry[3]])
            unwritten = [(r.id, r.address, r.kind, mask) for r, mask in self._group.unwritten.values()]
            if unwritten:
                take(unwritten)

    def _unsettled(self, entry: Waiting) -> Waiting:
        record_id, address, kind, mask = entry
        return record_id, address, kind, mask & ~self._group.settled.get(record_id, 0)

    async def keep(self, names: Sequence[str]) -> dict[str, int]:
        """Forget what waited for connectors that are not in ``names``; return the bit of each that is."""
        async with self._steady:
            disk = self._disk
            if disk is None:
                return {name: bit for bit, name in enumerate(names)}
            return await self._in_thread(lambda: self._enter(disk, names))

    def limit(self, limits: Limits) -> None:
        """Take in new bounds."""
        self._limits = limits

    def new_id(self) -> int:
        """Return an id that was never used."""
        self._next_id += 1
        return self._next_id - 1

    def add(self, record: Record, mask: int) -> None:
        """Keep a record until the connectors of ``mask`` are done with it."""
        self._group.add(record, mask, self._clock.monotonic_us())
        self._wake.set()

    def settle(self, ids: Iterable[int], mask: int) -> None:
        """Take in that the connectors of ``mask`` are done with records."""
        now_us = self._clock.monotonic_us()
        for record_id in ids:
            self._group.settle(record_id, mask, now_us)
        self._wake.set()

    async def read(self, ids: Sequence[int]) -> list[Record] | None:
        """Return the records of ``ids`` that are there and whole; None when the disk could not be asked."""
        found = [self._group.unwritten[i][0] for i in ids if i in self._group.unwritten]
        if self._committing is not None:
            wanted = set(ids)
            found += [record for record, _ in self._committing.written if record.id in wanted]
        known = {record.id for record in found}
        rest = [record_id for record_id in ids if record_id not in known]
        disk = self._disk
        if rest and disk is not None:
            try:
                records, damaged = await self._in_thread(lambda: disk.read(rest))
            except SpoolUnwritable:
                self.counts["read_failed"] += 1
                return None
            except SpoolCorrupted as error:
                why = error.why
                await self._in_thread(lambda: self._replace(why))
                return None
            self.counts["crc_failed"] += len(damaged)
            found += records
        return found

    async def run(self) -> None:
        """Commit what is due, until cancelled; then commit what is left."""
        try:
            while True:
                await self._turn()
        finally:
            await asyncio.shield(self._close())

    async def _turn(self) -> None:
        due = self._group.due_at_us() if self.accepting else self._retry_at_us
        now_us = self._clock.monotonic_us()
        if due is None or now_us < due:
            self._wake.clear()
            timeout = None if due is None else (due - now_us) / 1_000_000
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()
            return
        await self._commit(now_us)

    async def _commit(self, now_us: int) -> None:
        async with self._steady:
            await self._commit_due(now_us)

    async def _commit_due(self, now_us: int) -> None:
        batch = self._group.take(now_us)
        if batch is None and not self.accepting:
            batch = Batch(written=(), settled=())
        self._committing = batch
        if batch is None:
            return
        try:
            await self._in_thread(lambda: self._write(batch))
        except SpoolUnwritable as error:
            self._keep(batch, error.why)
        except SpoolCorrupted as error:
            self._keep(batch, error.why)
            why = error.why
            await self._in_thread(lambda: self._replace(why))
        else:
            self._written(batch)
        finally:
            self._committing = None

    def _write(self, batch: Batch) -> None:
        if self._disk is None:
            self._disk = SpoolDisk(self._path)
            self._disk.adopt(self._bits)
        if self._next_id > self._reserved or not self.accepting:
            self._reserved = max(self._reserved, self._next_id + IDS_RESERVED)
            self._disk.reserve_ids(self._reserved)
        self._disk.commit(batch.written, batch.settled)
        self._make_room(self._disk)

    def _make_room(self, disk: SpoolDisk) -> None:
        now_us, utc_us, quality = self._clock.monotonic_us(), self._clock.utc_us(), self._clock.quality()
        for entries, reason in disk.evict(
            self._limits, lambda record: age_us(record, self._boot, now_us, utc_us, quality)
        ):
            self._loop.call_soon_threadsafe(self._evicted, entries, reason)

    def _written(self, batch: Batch) -> None:
        self.counts["written"] += len(batch.written)
        self.counts["commits"] += 1
        if not self.accepting:
            self.accepting = True
            self._tell("ACCEPTING", reasons.spool.writes_again())

    def _keep(self, batch: Batch, why: Reason) -> None:
        lost = self._group.give_back(batch, self._clock.monotonic_us())
        if lost:
            self._evicted(
                [(record, record.id, record.address, mask) for record, mask in lost], "spool_unwritable"
            )
        self._unwritable(why)

    def _unwritable(self, why: Reason) -> None:
        self._retry_at_us = self._clock.monotonic_us() + int(RETRY_S * 1_000_000)
        self.counts["write_failed"] += 1
        if self.accepting:
            self.accepting = False
            self._tell("FULL", why)

    def _tell(self, value: str, reason: Reason) -> None:
        self._journal.record(Change.SPOOL, "spool", value, reason)

    async def _close(self) -> None:
        await self._commit(self._clock.monotonic_us() + COMMIT_DELAY_US)
        disk, self._disk = self._disk, None
        if disk is not None:
            await self._in_thread(disk.close)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await self._loop.run_in_executor(self._thread, work)
