"""What one turn does to the file: a batch committed, what is too much removed, a page counted."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from agent.clock import Clock
from agent.record import Record, age_us
from agent.spool.holdings import Holdings
from agent.spool.numbering import IDS_RESERVED, Numbering
from agent.spool.ports import Changed, Disk, SpoolEntry, Waiting
from agent.spool.reserve import Audit
from agent.wire.configuration import Limits

PLACES_READ = 10_000
AUDIT_PLACES = 2_000
AUDIT_PAGE_US = 1_000_000
AUDIT_EVERY_US = 900_000_000
"""From one count of the whole file to the next."""
EVICTED_AT_A_TIME = 256
_Removed: TypeAlias = list[tuple[list[SpoolEntry], str]]
"""(records that were removed, reason)."""
_Result = TypeVar("_Result")


class InThread(Protocol):
    """Runs work in the spool's thread."""

    def __call__(self, work: Callable[[], _Result]) -> Awaitable[_Result]: ...


class Writing:
    """Moves ``holdings`` between memory and file; the caller sees to it that one turn runs at a time.

    Raises (every method): SpoolUnwritable, SpoolCorrupted, after ``holdings`` says what is where.
    """

    def __init__(
        self, holdings: Holdings, numbering: Numbering, *, clock: Clock, boot: int, in_thread: InThread
    ) -> None:
        self._holdings, self._numbering = holdings, numbering
        self._clock, self._boot, self._in_thread = clock, boot, in_thread
        self.trimming = False
        """Records are being removed that nobody knows of yet."""

    async def commit(self, disk: Disk, now_us: int, *, probe: bool) -> Changed:
        """Commit what is due; ``probe``: ids are noted too, so that the disk has something to write.

        Raises:
            SpoolCollision: an id was in the file already.
        """
        batch = self._holdings.begin(now_us)
        until = self._numbering.next_id + IDS_RESERVED if probe or self._numbering.low else 0

        def write() -> Changed:
            if until:
                disk.reserve_ids(until)
            return disk.commit(batch.written, batch.settled)

        try:
            changed = await self._in_thread(write)
        except Exception:
            self._holdings.refused(batch, self._clock.monotonic_us())
            raise
        self._holdings.committed(batch, changed)
        if until:
            self._numbering.extend(until)
        return changed

    async def trim(
        self, disk: Disk, limits: Limits, evicted: Callable[[list[SpoolEntry], str], None]
    ) -> None:
        """Remove what is beyond the bounds; ``evicted`` gets what was still waited for, with the reason."""
        removed: _Removed = []
        age = partial(
            age_us,
            boot=self._boot,
            now_us=self._clock.monotonic_us(),
            utc_us=self._clock.utc_us(),
            quality=self._clock.quality(),
        )
        self.trimming = True
        try:
            await self._in_thread(lambda: _remove_excess(disk, limits, age, removed))
        finally:
            self.trimming = False
            for entries, reason in removed:
                left = self._holdings.evicted(entries)
                if left:
                    evicted(left, reason)

    async def walk(self, disk: Disk, stored: Callable[[list[Waiting]], None]) -> None:
        """Hand over the place of every stored record that waits, oldest first, and count them all."""
        absent, count = set(self._holdings.group.settled), Audit()
        while page := await self._in_thread(partial(disk.waiting, after=count.after, count=PLACES_READ)):
            count.page(page)
            absent.difference_update(entry[0] for entry in page)
            stored(self._holdings.unsettled(page))
        self._holdings.counted(count.counted, absent)

    async def count_page(self, disk: Disk) -> int:
        """Count one more page of the file; return after how long the next is due (microseconds)."""
        after = self._holdings.audit.after
        page = await self._in_thread(lambda: disk.waiting(after=after, count=AUDIT_PLACES))
        return AUDIT_EVERY_US if self._holdings.audited(page) else AUDIT_PAGE_US


def _remove_excess(
    disk: Disk, limits: Limits, age_us: Callable[[Record], int | None], removed: _Removed
) -> None:
    """Remove what is too much, too large or too old; ``removed`` gets each piece as soon as it is gone.

    Raises:
        SpoolUnwritable, SpoolCorrupted: ``removed`` holds what was removed before.
    """

    def evict(entries: list[SpoolEntry], reason: str) -> None:
        disk.remove([entry[1] for entry in entries])
        removed.append((entries, reason))

    while disk.records > limits.spool_records:
        excess = disk.records - limits.spool_records
        evict(disk.oldest(min(excess, EVICTED_AT_A_TIME)), "spool_count")
    while disk.bytes > limits.spool_bytes and disk.records:
        evict(disk.oldest(1), "spool_bytes")
    while disk.records:
        ages = [(entry, age_us(entry[0]) if entry[0] else None) for entry in disk.oldest(EVICTED_AT_A_TIME)]
        limit_us = limits.spool_age_s * 1_000_000
        old = [entry for entry, age in ages if age is not None and age > limit_us]
        if not old:
            return
        evict(old, "spool_age")
