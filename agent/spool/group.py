"""Group commit, pure: what waits to be written, and when.

A frame is written when 200 ms have passed since the first unwritten one, or when 64 wait, whichever
comes first; a frame that everyone acknowledged before that is never written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from msgspec.structs import replace

from agent.record import Record

COMMIT_DELAY_US = 200_000
COMMIT_FRAMES = 64
MEMORY_LIMIT_RECORDS = 4096
"""What is kept in memory while the disk takes nothing; beyond it the oldest goes."""
SETTLED_LIMIT_RECORDS = 4096
"""Settlements that the disk has not taken: a kill makes so many frames leave twice.  At the limit no more
stored frames are read while the disk takes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """One transaction."""

    written: tuple[tuple[Record, int], ...]
    settled: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Group:
    """Records not yet on disk, and settlements not yet there."""

    unwritten: dict[int, tuple[Record, int]] = field(default_factory=dict)
    settled: dict[int, int] = field(default_factory=dict)
    spared: int = 0
    """Frames that were acknowledged before they had to be written."""
    _first_us: int | None = None

    def add(self, record: Record, mask: int, now_us: int) -> None:
        """Take in a record that the connectors of ``mask`` want."""
        self.unwritten[record.id] = (record, mask)
        self._first_us = now_us if self._first_us is None else self._first_us

    def settle(self, record_id: int, mask: int, now_us: int) -> bool:
        """Note that the connectors of ``mask`` are done; return True when the record was never written."""
        if record_id in self.unwritten:
            record, waiting = self.unwritten[record_id]
            if waiting & ~mask:
                self.unwritten[record_id] = (record, waiting & ~mask)
                return False
            del self.unwritten[record_id]
            self.spared += 1
            if not self.unwritten and not self.settled:
                self._first_us = None
            return True
        self.settled[record_id] = self.settled.get(record_id, 0) | mask
        self._first_us = now_us if self._first_us is None else self._first_us
        return False

    def due_at_us(self) -> int | None:
        """Return when the next commit is due; None when nothing waits."""
        if self._first_us is None:
            return None
        full = len(self.unwritten) >= COMMIT_FRAMES or len(self.settled) >= COMMIT_FRAMES
        return self._first_us if full else self._first_us + COMMIT_DELAY_US

    def take(self, now_us: int) -> Batch | None:
        """Return what to commit now, and forget it; None when nothing is due."""
        due = self.due_at_us()
        if due is None or now_us < due:
            return None
        batch = Batch(written=tuple(self.unwritten.values()), settled=tuple(self.settled.items()))
        self.unwritten, self.settled, self._first_us = {}, {}, None
        return batch

    def give_back(self, batch: Batch, now_us: int) -> None:
        """Take back a batch that was not committed."""
        mask_done = self.settled
        kept: dict[int, tuple[Record, int]] = {}
        settled = dict(batch.settled)
        for record, mask in batch.written:
            left = mask & ~mask_done.pop(record.id, 0)
            if left:
                kept[record.id] = (record, left)
        for record_id, mask in mask_done.items():
            settled[record_id] = settled.get(record_id, 0) | mask
        self.unwritten = kept | self.unwritten
        self.settled = settled
        self._first_us = now_us if self.unwritten or self.settled else None

    def overflow(self, taken: int = 0) -> list[tuple[Record, int]]:
        """Take out the oldest records that memory has no room for beside ``taken`` others; return them."""
        excess = max(0, len(self.unwritten) + taken - MEMORY_LIMIT_RECORDS)
        return [self.unwritten.pop(record_id) for record_id in list(self.unwritten)[:excess]]

    def translate(self, bits: Mapping[int, int]) -> None:
        """Give connectors other bits (old to new); what waited for the others only is forgotten."""
        self.unwritten = {
            record_id: (record, left)
            for record_id, (record, mask) in self.unwritten.items()
            if (left := translated(mask, bits))
        }
        self.settled = {
            record_id: left for record_id, mask in self.settled.items() if (left := translated(mask, bits))
        }

    def renumber(self, new_id: Callable[[], int]) -> None:
        """Give every record in memory a new id, in the order of reception."""
        renumbered = [
            (replace(record, id=new_id()), mask)
            for record, mask in sorted(self.unwritten.values(), key=lambda kept: kept[0].id)
        ]
        self.unwritten = {record.id: (record, mask) for record, mask in renumbered}

    def unsettle(self, record_id: int) -> int:
        """Forget a settlement that was not committed; return its mask."""
        return self.settled.pop(record_id, 0)


def translated(mask: int, bits: Mapping[int, int]) -> int:
    """Return a mask in the new bits.

    >>> translated(0b101, {0: 3, 1: 0})
    8
    """
    return sum(1 << new for old, new in bits.items() if mask >> old & 1)
