"""Group commit, pure: what waits to be written, and when.

A frame is written when 200 ms have passed since the first unwritten one, or when 64 wait, whichever
comes first; a frame that everyone acknowledged before that is never written.
"""

from dataclasses import dataclass, field

from agent.record import Record

COMMIT_DELAY_US = 200_000
COMMIT_FRAMES = 64
MEMORY_LIMIT_RECORDS = 4096
"""What is kept in memory while the disk takes nothing; beyond it the oldest goes."""


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

    def give_back(self, batch: Batch, now_us: int) -> list[tuple[Record, int]]:
        """Take back a batch that was not committed; return the oldest records if memory has no room."""
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
        lost = list(self.unwritten)[: max(0, len(self.unwritten) - MEMORY_LIMIT_RECORDS)]
        return [self.unwritten.pop(record_id) for record_id in lost]
