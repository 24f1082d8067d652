"""What the spool needs of its file, whatever holds it: SQLite on a card, or memory in a test."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from agent.record import Record
from agent.wire.reasons import ReasonedError

CONNECTORS_LIMIT = 32
"""Bits of ``waiting``; one for each connector this spool ever knew."""


class SpoolCorrupted(ReasonedError):
    """The file is no spool, or its structure is damaged."""


class SpoolUnwritable(ReasonedError):
    """The disk is full, read-only or failing: nothing more was taken."""


class SpoolCollision(ReasonedError):
    """A record's id is in the file already: nothing of the transaction was taken."""


class SpoolForeign(Exception):
    """The file belongs to another gateway."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


Waiting: TypeAlias = tuple[int, int, int, int]
"""(id, address, kind, mask of connectors that wait): one stored record's entry in the queues."""
SpoolEntry: TypeAlias = tuple[Record | None, int, int, int]
"""(record or None when damaged, id, address, mask of connectors that wait)."""
Cleared: TypeAlias = tuple[int, int]
"""(id, mask of the connectors that waited for it and no longer do)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What the file says that one transaction changed."""

    written: int
    """Records that were inserted."""
    cleared: tuple[Cleared, ...]
    deleted: int
    """Records that nobody waits for any more."""
    unknown: int
    """Settlements of records that are not in the file."""


class Disk(Protocol):
    """One open spool file; used by one thread at a time.

    Raises (every method): SpoolUnwritable, SpoolCorrupted.
    """

    records: int
    bytes: int
    read_only: bool
    """Whether it was opened on a disk that could only be read, which this opening keeps to."""

    def close(self) -> None:
        """Close the file; commits are already there."""
        ...

    def limit_pages(self, pages: int) -> int:
        """Let the file grow to so many pages, or to what it holds; return that limit."""
        ...

    def bit_of(self, name: str) -> int:
        """Return the bit that stands for a connector, a new one when it is unknown."""
        ...

    def retire(self, keep: Sequence[str]) -> int:
        """Forget the connectors that are not in ``keep`` and what waited for them only; return how many."""
        ...

    def last_id(self) -> int:
        """Return the highest id ever reserved or written."""
        ...

    def reserve_ids(self, until: int) -> None:
        """Note that ids up to ``until`` may have been used."""
        ...

    def commit(self, written: Iterable[tuple[Record, int]], settled: Iterable[Cleared]) -> Changed:
        """Write records with who waits for them, and take bits off others, all in one transaction.

        Raises:
            SpoolCollision: an id is there already.
        """
        ...

    def read(self, ids: Sequence[int]) -> tuple[list[Record], list[int]]:
        """Return the records of ``ids`` that are there and whole, and the ids of those that are damaged."""
        ...

    def waiting(self, *, after: int, count: int) -> list[Waiting]:
        """Return the entries of at most ``count`` stored records with ids above ``after``, oldest first."""
        ...

    def oldest(self, count: int) -> list[SpoolEntry]:
        """Return the ``count`` oldest records."""
        ...

    def remove(self, ids: Sequence[int]) -> tuple[Cleared, ...]:
        """Remove records whoever waits for them; return those that were there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A damaged file was set aside, and what was whole in it is in a new one."""

    aside: str
    saved: int


class Files(Protocol):
    """Where a spool's file lies; used by the spool's thread.

    Raises (every method): SpoolUnwritable.
    """

    def open(self) -> Disk:
        """Open the file, a new one where there is none.

        Raises:
            SpoolCorrupted: its structure is damaged.
            SpoolForeign: it is another gateway's.
        """
        ...

    def writable(self) -> bool:
        """Return whether the file that is there may be written, as far as can be told without a write."""
        ...

    def mend(self, stamp: int) -> Mended:
        """Set a damaged file aside and put what is whole in it into a new one."""
        ...

    def set_aside(self, owner: str, stamp: int) -> str:
        """Move another gateway's file aside, whole; return the name under which it is kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Callbacks:
    """What the spool makes others do."""

    evicted: Callable[[list[SpoolEntry], str], None]
    """Take in what had to go and the reason; the mask says who waited for it until now."""
    reload: Callable[[], Awaitable[None]]
    """End every connector, ``load``, begin every connector with ``restore``."""
