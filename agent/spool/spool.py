"""The spool as the data path sees it: group commit beside the traffic, one thread for the disk.

    unwritten ── 200 ms or 64 frames ──▶ on disk ── acknowledged by all ──▶ gone
        └── acknowledged before that ──▶ never written

There is one way from a file to ``ACCEPTING`` (``condition.py``): ``load`` and, after it, ``restore``, for
which every connector begins anew.  At each load every frame in memory gets an id behind the file's last.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from agent.clock import Clock
from agent.journal_port import JournalPort
from agent.record import Record
from agent.spool.condition import Condition, State
from agent.spool.group import COMMIT_DELAY_US, SETTLED_LIMIT_RECORDS
from agent.spool.holdings import Holdings
from agent.spool.numbering import IDS_RESERVED, Numbering, blind_from
from agent.spool.opening import Entry, Opening, enter
from agent.spool.ports import (
    Callbacks,
    Disk,
    Files,
    SpoolCollision,
    SpoolCorrupted,
    SpoolEntry,
    SpoolUnwritable,
    Waiting,
)
from agent.spool.writing import AUDIT_EVERY_US, Writing
from agent.wire import reasons
from agent.wire.configuration import Limits
from agent.wire.reasons import Reason

RETRY_S = 5.0
"""Between attempts to write while the disk takes nothing."""
LOAD_RETRY_S = 60.0
"""After a file that opened and could not be read to its end, or could not be mended for want of room."""
_Result = TypeVar("_Result")


class Spool:
    """One gateway's spool; all methods belong to the event loop's thread."""

    def __init__(
        self,
        *,
        files: Files,
        limits: Limits,
        clock: Clock,
        boot: int,
        journal: JournalPort,
        callbacks: Callbacks,
        thread: Executor | None = None,
    ) -> None:
        self._opening = Opening(files)
        self._limits, self._clock = limits, clock
        self._callbacks = callbacks
        self._thread = thread or ThreadPoolExecutor(max_workers=1, thread_name_prefix="spool")
        self._condition = Condition(clock, journal)
        self._disk: Disk | None = None
        self._found: Disk | None = None
        self._numbering = Numbering(next_blind=blind_from(boot))
        self._wake, self._sleeps_until_us = asyncio.Event(), 0
        self._steady = asyncio.Lock()
        self._audit_at_us = 0
        self.holdings = Holdings()
        self._writing = Writing(
            self.holdings, self._numbering, clock=clock, boot=boot, in_thread=self._in_thread
        )
        self.counts: Counter[str] = Counter()

    @property
    def accepting(self) -> bool:
        """Whether the disk took what it was last given."""
        return self._condition.accepting

    @property
    def readable(self) -> bool:
        """Whether there is an open file."""
        return self._disk is not None

    async def open(self, names: Sequence[str]) -> None:
        """Open the file if it can be opened, and load it; ``restore`` comes next."""
        self._loop = asyncio.get_running_loop()
        await self._reach()
        await self.load(names)

    async def _reach(self) -> bool:
        """Return whether there is a file to load that may be written."""
        stamp, disk = self._clock.utc_us() // 1_000_000, self._disk
        try:
            if disk is None or (disk.read_only and self._opening.files.writable()):
                self._found = await self._in_thread(lambda: self._opening.reach(stamp))
            else:
                await self._in_thread(lambda: disk.reserve_ids(disk.last_id() + IDS_RESERVED))
        except SpoolUnwritable as error:
            retry_s = LOAD_RETRY_S if self._opening.damage else RETRY_S
            self._condition.refuse(self._condition.state, error.why, retry_s)
            return False
        except SpoolCorrupted as error:
            await self._lose(error.why, damaged=True)
            return False
        finally:
            for value, reason in self._opening.reports():
                self._condition.report(value, reason)
            self.counts |= self._opening.counts
        return True

    async def load(self, names: Sequence[str]) -> None:
        """Take in the file that was opened, and number what is in memory behind what it holds."""
        async with self._steady:
            found, self._found = self._found, None
            if found is not None and self._disk is not None:
                await self._shut(self._disk)
            self._disk = disk = found or self._disk
            entry = None if disk is None else await self._enter(disk, names)
            self.holdings.rebit(entry.bits if entry else self.holdings.spare_bits(names))
            if entry is None:
                self._numbering.blind()
            else:
                self._numbering.begin(entry.last_id, entry.reserved)
            self.holdings.group.renumber(self._numbering.new_id)
            self._audit_at_us = self._clock.monotonic_us() + AUDIT_EVERY_US
            if entry is not None and entry.reserved:
                self._condition.accept()
            elif entry is not None:
                self._condition.refuse(State.UNNUMBERED, entry.refusal or reasons.spool.no_ids(), RETRY_S)

    async def _enter(self, disk: Disk, names: Sequence[str]) -> Entry | None:
        try:
            entry = await self._in_thread(partial(enter, disk, tuple(names), self._limits.spool_bytes))
        except (SpoolUnwritable, SpoolCorrupted) as error:
            await self._lose(error.why, damaged=isinstance(error, SpoolCorrupted))
            return None
        self.counts["retired"] += entry.retired
        self.holdings.retired(entry.retired)
        return entry

    async def restore(
        self,
        stored: Callable[[list[Waiting]], None],
        unwritten: Callable[[list[tuple[Record, int]]], None],
    ) -> bool:
        """Hand over every record that waits, oldest first; commits wait meanwhile.

        False: the file could not be read to its end.  It will be loaded again, what was handed over is void.
        """
        async with self._steady:
            disk = self._disk
            if disk is not None:
                try:
                    await self._writing.walk(disk, stored)
                except (SpoolUnwritable, SpoolCorrupted) as error:
                    await self._lose(error.why, damaged=isinstance(error, SpoolCorrupted))
                    self._condition.refuse(State.ABSENT, error.why, LOAD_RETRY_S)
                    return False
            unwritten(list(self.holdings.group.unwritten.values()))
            return True

    async def keep(self, names: Sequence[str]) -> None:
        """Forget what waited for connectors that are not in ``names``; give the new ones a bit."""
        async with self._steady:
            entry = None if self._disk is None else await self._enter(self._disk, names)
            self.holdings.rebit(entry.bits if entry else self.holdings.spare_bits(names))

    def limit(self, limits: Limits) -> None:
        """Take in new bounds."""
        self._limits = limits

    def new_id(self) -> int:
        """Return an id above all others of this start."""
        return self._numbering.new_id()

    def add(self, record: Record, mask: int) -> None:
        """Keep a record until the connectors of ``mask`` are done with it."""
        group = self.holdings.group
        group.add(record, mask, self._clock.monotonic_us())
        lost = group.overflow(self.holdings.under_way)
        if lost:
            entries: list[SpoolEntry] = [(old, old.id, old.address, waiting) for old, waiting in lost]
            self._callbacks.evicted(entries, "spool_unwritable")
        self._wake_if_due(self._clock.monotonic_us())

    def settle(self, ids: Iterable[int], mask: int) -> None:
        """Take in that the connectors of ``mask`` are done with records."""
        now_us = self._clock.monotonic_us()
        for record_id in ids:
            self.holdings.group.settle(record_id, mask, now_us)
        self._wake_if_due(now_us)

    def _wake_if_due(self, now_us: int) -> None:
        """End the sleep of ``run`` where it lasts too long: in traffic not every frame wakes it."""
        if self._due_us() < self._sleeps_until_us or now_us >= self._sleeps_until_us:
            self._wake.set()

    async def read(self, ids: Sequence[int]) -> list[Record] | None:
        """Return the records of ``ids`` that are there and whole; None when the disk could not be asked."""
        found, rest = self.holdings.find(ids)
        disk = self._disk
        if not rest:
            return found
        if disk is None or (not self.accepting and len(self.holdings.group.settled) >= SETTLED_LIMIT_RECORDS):
            return None
        try:
            records, damaged = await self._in_thread(lambda: disk.read(rest))
        except SpoolUnwritable:
            self.counts["read_failed"] += 1
            return None
        except SpoolCorrupted as error:
            if disk is self._disk:
                await self._lose(error.why, damaged=True)
            return None
        if self._writing.trimming and len(records) + len(damaged) < len(rest):
            return None  # what was just removed has its own reason, which comes in a moment
        self.counts["crc_failed"] += len(damaged)
        return found + records

    async def run(self) -> None:
        """Commit what is due, until cancelled; then commit what is left."""
        try:
            while True:
                await self._turn()
        finally:
            await asyncio.shield(self._close())

    async def _turn(self) -> None:
        now_us, due_us = self._clock.monotonic_us(), self._due_us()
        if now_us < due_us:
            self._wake.clear()
            self._sleeps_until_us = due_us
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout((due_us - now_us) / 1_000_000):
                    await self._wake.wait()
        elif self._condition.state in (State.ABSENT, State.UNNUMBERED):
            if await self._reach():
                await self._callbacks.reload()
        else:
            # It goes on when this task is cancelled: what it took from memory must not be forgotten.
            await asyncio.shield(asyncio.ensure_future(self._work(now_us)))

    def _due_us(self) -> int:
        if not self.accepting:
            return self._condition.retry_at_us
        if self._numbering.low:
            return 0
        due_us = self.holdings.group.due_at_us()
        return self._audit_at_us if due_us is None else min(due_us, self._audit_at_us)

    async def _work(self, now_us: int) -> None:
        """Commit what is due, remove what is too much, count a page: what the file lets us."""
        async with self._steady:
            disk = self._disk
            if disk is None or self._condition.state is State.UNNUMBERED:
                return
            if not self._numbering.numbered:
                self._condition.refuse(State.UNNUMBERED, reasons.spool.no_ids(), 0)
                return
            try:
                await self._commit(disk, now_us)
                await self._writing.trim(disk, self._limits, self._callbacks.evicted)
                if now_us >= self._audit_at_us:
                    pause_us = await self._writing.count_page(disk)
                    self._audit_at_us = now_us + pause_us
                    self.counts["audits"] += pause_us == AUDIT_EVERY_US
            except SpoolUnwritable as error:
                if disk is self._disk:
                    self._condition.refuse(State.FULL, error.why, RETRY_S)
            except SpoolCollision as error:
                self.counts["collided"] += 1
                self._condition.report("COLLIDED", error.why)
                self._numbering.blind()
                self._condition.refuse(State.UNNUMBERED, error.why, 0)
            except SpoolCorrupted as error:
                await self._lose(error.why, damaged=True)

    async def _commit(self, disk: Disk, now_us: int) -> None:
        if self.accepting and not self._numbering.low and not self._is_due(now_us):
            return
        changed = await self._writing.commit(disk, now_us, probe=not self.accepting)
        self.counts.update(written=changed.written, commits=1, settled_unknown=changed.unknown)
        if disk is self._disk:
            self._condition.accept()

    def _is_due(self, now_us: int) -> bool:
        due_us = self.holdings.group.due_at_us()
        return due_us is not None and now_us >= due_us

    async def _lose(self, why: Reason, *, damaged: bool) -> None:
        """Give up the file that is open: it will be opened, and mended if it is damaged, and loaded again."""
        disk, self._disk = self._disk, None
        if damaged:
            self._opening.damage = why
        self._numbering.blind()
        self._condition.refuse(State.ABSENT, why, 0 if damaged else RETRY_S)
        self._wake.set()
        if disk is not None:
            await self._shut(disk)

    async def _shut(self, disk: Disk) -> None:
        with contextlib.suppress(SpoolUnwritable, SpoolCorrupted):
            await self._in_thread(disk.close)

    async def _close(self) -> None:
        await self._work(self._clock.monotonic_us() + COMMIT_DELAY_US)
        left, disk, self._disk = len(self.holdings.group.unwritten), self._disk, None
        if left:
            self._condition.report("FULL", reasons.spool.memory_ends(kept_frames=left))
        if disk is not None:
            await self._shut(disk)
        self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        return await self._loop.run_in_executor(self._thread, work)
