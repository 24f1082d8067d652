"""A spool's file in memory: it survives kills, fills up, turns read-only, is damaged, comes from another box.

``MemoryFiles`` implements ``agent.spool.ports.Files`` and ``MemoryDisk`` implements ``Disk``; the contract
suite (``tests/contract/test_spool_disk.py``) holds them to what SQLite does.
"""

from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from agent.record import Record
from agent.spool.disk import ROW_OVERHEAD_BYTES
from agent.spool.ports import (
    CONNECTORS_LIMIT,
    Changed,
    Cleared,
    Mended,
    SpoolCollision,
    SpoolCorrupted,
    SpoolEntry,
    SpoolForeign,
    SpoolUnwritable,
    Waiting,
)
from agent.wire import reasons


@dataclass
class Content:
    """What is in one file."""

    owner: str = ""
    rows: dict[int, tuple[Record, int]] = field(default_factory=dict)
    connectors: dict[str, int] = field(default_factory=dict)
    last_id: int = 0
    damaged: bool = False


@dataclass
class MemoryFiles:
    """One gateway's folder; a test sets its faults and damages ``content``."""

    eui: str
    content: Content | None = None
    full: bool = False
    read_only: bool = False
    failing: bool = False
    """Neither read nor written."""
    killed: bool = False
    """Nothing reaches the file from the process that is dying."""
    lost_by_damage: int = 1
    """Oldest records that a repair does not find."""
    aside: list[Content] = field(default_factory=list)
    committed: Callable[[Record], None] = lambda _: None
    lost: Callable[[Record], None] = lambda _: None

    @property
    def unreadable(self) -> bool:
        """Whether what is there cannot be read now: no disk, or damage and no room to mend it."""
        damaged = self.content is not None and self.content.damaged
        return self.failing or (damaged and (self.full or self.read_only))

    def require_room(self) -> None:
        self.require_reads()
        if self.full or self.read_only or self.killed:
            raise SpoolUnwritable(reasons.system.no_space())

    def require_reads(self) -> None:
        if self.failing:
            raise SpoolUnwritable(reasons.system.input_output())

    def writable(self) -> bool:
        return not self.read_only

    def open(self) -> "MemoryDisk":
        self.require_reads()
        if self.content is None:
            self.require_room()
            self.content = Content(owner=self.eui)
        if self.content.owner != self.eui:
            raise SpoolForeign(self.content.owner)
        if self.content.damaged:
            raise SpoolCorrupted(reasons.spool.damaged(detail="malformed"))
        return MemoryDisk(self)

    def mend(self, stamp: int) -> Mended:
        self.require_room()
        damaged = self.content or Content(owner=self.eui)
        ids = sorted(damaged.rows)
        for record_id in ids[: self.lost_by_damage]:
            self.lost(damaged.rows[record_id][0])
        whole = {record_id: damaged.rows[record_id] for record_id in ids[self.lost_by_damage :]}
        self.aside.append(damaged)
        self.content = Content(self.eui, whole, damaged.connectors, damaged.last_id)
        return Mended(aside=f"spool.db.damaged-{stamp}", saved=len(whole))

    def set_aside(self, owner: str, stamp: int) -> str:
        self.require_reads()
        if self.read_only or self.killed:
            raise SpoolUnwritable(reasons.system.read_only())
        assert self.content is not None
        self.aside.append(self.content)
        self.content = None
        return f"spool.db.foreign-{owner}-{stamp}"


class MemoryDisk:
    """One opened file; a file that was mended or replaced since is no longer this one's."""

    def __init__(self, files: MemoryFiles) -> None:
        assert files.content is not None
        self._files, self._content, self.read_only = files, files.content, files.read_only

    @property
    def records(self) -> int:
        return len(self._content.rows)

    @property
    def bytes(self) -> int:
        return sum(len(record.payload) + ROW_OVERHEAD_BYTES for record, _ in self._content.rows.values())

    def close(self) -> None:
        return None

    def limit_pages(self, pages: int) -> int:
        return pages

    def _whole(self) -> Content:
        self._files.require_reads()
        if self._content.damaged:
            raise SpoolCorrupted(reasons.spool.damaged(detail="malformed"))
        return self._content

    def _writable(self) -> Content:
        self._require_room()
        return self._whole()

    def _require_room(self) -> None:
        self._files.require_room()
        if self.read_only:
            raise SpoolUnwritable(reasons.system.read_only())

    def bit_of(self, name: str) -> int:
        known = self._whole().connectors
        if name not in known:
            self._require_room()
            free = next((bit for bit in range(CONNECTORS_LIMIT) if bit not in known.values()), None)
            if free is None:
                raise SpoolUnwritable(reasons.spool.names_full(limit_names=CONNECTORS_LIMIT))
            known[name] = free
        return known[name]

    def retire(self, keep: Sequence[str]) -> int:
        content = self._whole()
        gone = {name for name in content.connectors if name not in keep}
        if not gone:
            return 0
        self._require_room()
        mask = sum(1 << content.connectors.pop(name) for name in gone)
        return self._clear([(record_id, mask) for record_id in list(content.rows)])

    def _clear(self, settled: Iterable[Cleared]) -> int:
        deleted = 0
        for record_id, mask in settled:
            record, waiting = self._content.rows[record_id]
            if waiting & ~mask:
                self._content.rows[record_id] = (record, waiting & ~mask)
            else:
                del self._content.rows[record_id]
                deleted += 1
        return deleted

    def last_id(self) -> int:
        content = self._whole()
        return max([content.last_id, *content.rows])

    def reserve_ids(self, until: int) -> None:
        content = self._writable()
        content.last_id = max(content.last_id, until)

    def commit(self, written: Iterable[tuple[Record, int]], settled: Iterable[Cleared]) -> Changed:
        rows, done = list(written), list(settled)
        if not rows and not done:
            return Changed(written=0, cleared=(), deleted=0, unknown=0)
        content = self._writable()
        if any(record.id in content.rows for record, _ in rows):
            raise SpoolCollision(reasons.spool.collided(detail="frame.id"))
        content.rows |= {record.id: (record, mask) for record, mask in rows}
        for record, _ in rows:
            self._files.committed(record)
        known = [(record_id, mask) for record_id, mask in done if record_id in content.rows]
        cleared = tuple((record_id, content.rows[record_id][1] & mask) for record_id, mask in known)
        deleted = self._clear(known)
        return Changed(written=len(rows), cleared=cleared, deleted=deleted, unknown=len(done) - len(known))

    def read(self, ids: Sequence[int]) -> tuple[list[Record], list[int]]:
        rows = self._whole().rows
        return [rows[record_id][0] for record_id in sorted(ids) if record_id in rows], []

    def waiting(self, *, after: int, count: int) -> list[Waiting]:
        rows = self._whole().rows
        ids = [record_id for record_id in sorted(rows) if record_id > after][:count]
        return [(i, rows[i][0].address, rows[i][0].kind, rows[i][1]) for i in ids]

    def oldest(self, count: int) -> list[SpoolEntry]:
        rows = self._whole().rows
        return [(rows[i][0], i, rows[i][0].address, rows[i][1]) for i in sorted(rows)[:count]]

    def remove(self, ids: Sequence[int]) -> tuple[Cleared, ...]:
        rows = self._writable().rows
        gone = tuple((record_id, rows[record_id][1]) for record_id in ids if record_id in rows)
        for record_id, _ in gone:
            del rows[record_id]
        return gone


def foreign(content: Content, owner: str) -> Content:
    """Return the same file as another gateway wrote it."""
    other = deepcopy(content)
    other.owner = owner
    return other
