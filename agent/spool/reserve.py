"""How many stored frames wait for each connector, pure: kept from what the file says it changed, and checked.

``Reserve`` is a mirror that moves with each transaction.  ``Audit`` counts the file itself, a page at a time
between transactions, and follows what they change behind it: its result is exact at its last page.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agent.spool.ports import CONNECTORS_LIMIT, Cleared, Waiting


def _nothing() -> list[int]:
    return [0] * CONNECTORS_LIMIT


@dataclass(slots=True)
class Reserve:
    """Stored frames in all, and by the bit of the connector that waits for them."""

    frames: int = 0
    waiting: list[int] = field(default_factory=_nothing)

    def add(self, masks: Iterable[int]) -> None:
        """Count frames that were written."""
        for mask, frames in Counter(masks).items():
            self.frames += frames
            for bit in _bits(mask):
                self.waiting[bit] += frames

    def clear(self, cleared: Iterable[Cleared]) -> None:
        """Take away bits that were cleared."""
        for _, mask in cleared:
            for bit in _bits(mask):
                self.waiting[bit] -= 1

    def translate(self, bits: Mapping[int, int]) -> None:
        """Give connectors other bits (old to new)."""
        waiting = _nothing()
        for old, new in bits.items():
            waiting[new] = self.waiting[old]
        self.waiting = waiting


@dataclass(slots=True)
class Audit:
    """A count of the file that goes on while transactions change it."""

    after: int = 0
    """Ids up to this one are counted."""
    counted: Reserve = field(default_factory=Reserve)

    def page(self, entries: Sequence[Waiting]) -> None:
        """Count the next entries."""
        self.counted.add(mask for _, _, _, mask in entries)
        if entries:
            self.after = max(self.after, entries[-1][0])

    def changed(self, written: Iterable[tuple[int, int]], cleared: Iterable[Cleared]) -> None:
        """Follow a transaction: (id, mask) of records that came, and bits that went."""
        self.counted.add(mask for record_id, mask in written if record_id <= self.after)
        self.counted.clear((record_id, mask) for record_id, mask in cleared if record_id <= self.after)

    def differences(self, reserve: Reserve) -> dict[int, int]:
        """Return, by bit, how many more frames the file holds than ``reserve`` says."""
        pairs = enumerate(zip(self.counted.waiting, reserve.waiting, strict=True))
        return {bit: counted - known for bit, (counted, known) in pairs if counted != known}


def _bits(mask: int) -> list[int]:
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
