"""What the spool holds at this instant, on disk and in memory, and for whom, pure.

A frame is in exactly one of three: ``group.unwritten``, ``committing`` (under way to the disk), the file as
``reserve`` mirrors it.  A settlement that the file has not taken counts as done already, so that at every
instant ``waiting(name)`` is what that connector has not settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.record import Record
from agent.spool.group import Batch, Group
from agent.spool.ports import CONNECTORS_LIMIT, Changed, SpoolEntry, Waiting
from agent.spool.reserve import Audit, Reserve


@dataclass(slots=True)
class Holdings:
    """Frames that some connector has not settled."""

    group: Group = field(default_factory=Group)
    committing: Batch | None = None
    reserve: Reserve = field(default_factory=Reserve)
    audit: Audit = field(default_factory=Audit)
    bits: dict[str, int] = field(default_factory=dict)
    """Each connector's bit."""
    differences: dict[int, int] = field(default_factory=dict)
    """By bit, how many more frames than ``reserve`` the last count of the file found."""

    @property
    def frames(self) -> int:
        """Frames that some connector waits for."""
        return self.reserve.frames + self.under_way + len(self.group.unwritten)

    @property
    def under_way(self) -> int:
        """Frames that the disk is being given."""
        return len(self.committing.written) if self.committing else 0

    def waiting(self, name: str) -> int:
        """Return how many frames wait for a connector."""
        bit, written, settled = self.bits[name], list(self.group.unwritten.values()), [self.group.settled]
        if self.committing is not None:
            written += self.committing.written
            settled.append(dict(self.committing.settled))
        memory = sum(mask >> bit & 1 for _, mask in written)
        done = sum(mask >> bit & 1 for masks in settled for mask in masks.values())
        return self.reserve.waiting[bit] + memory - done

    def difference(self, name: str) -> int:
        """Return how many more frames than known the last count of the file found for a connector."""
        return self.differences.get(self.bits[name], 0)

    def find(self, ids: Sequence[int]) -> tuple[list[Record], list[int]]:
        """Return the records of ``ids`` that are in memory, and the ids of the others."""
        wanted = set(ids)
        found = [self.group.unwritten[i][0] for i in ids if i in self.group.unwritten]
        if self.committing is not None:
            found += [record for record, _ in self.committing.written if record.id in wanted]
        known = {record.id for record in found}
        return found, [record_id for record_id in ids if record_id not in known]

    def begin(self, now_us: int) -> Batch:
        """Return what is due, which is under way from here on."""
        self.committing = self.group.take(now_us) or Batch(written=(), settled=())
        return self.committing

    def refused(self, batch: Batch, now_us: int) -> None:
        """Take back what the disk did not take."""
        self.committing = None
        self.group.give_back(batch, now_us)

    def committed(self, batch: Batch, changed: Changed) -> None:
        """Take in what the file says that a batch changed."""
        self.committing = None
        self.reserve.add(mask for _, mask in batch.written)
        self.reserve.clear(changed.cleared)
        self.reserve.frames -= changed.deleted
        self.audit.changed([(record.id, mask) for record, mask in batch.written], changed.cleared)

    def evicted(self, entries: Sequence[SpoolEntry]) -> list[SpoolEntry]:
        """Take in what is no longer in the file; return it for those that had not settled it."""
        gone = [(record_id, mask) for _, record_id, _, mask in entries]
        self.reserve.clear(gone)
        self.reserve.frames -= len(gone)
        self.audit.changed([], gone)
        left = [
            (record, record_id, address, mask & ~self.group.unsettle(record_id))
            for record, record_id, address, mask in entries
        ]
        return [entry for entry in left if entry[3]]

    def retired(self, count: int) -> None:
        """Take in that so many frames waited only for connectors that are no more."""
        self.reserve.frames -= min(count, self.reserve.frames)

    def rebit(self, bits: dict[str, int]) -> None:
        """Give every connector the bit that the file has for it."""
        moved = {self.bits[name]: bit for name, bit in bits.items() if name in self.bits}
        self.group.translate(moved)
        self.reserve.translate(moved)
        self.audit, self.differences, self.bits = Audit(), {}, bits

    def spare_bits(self, names: Sequence[str]) -> dict[str, int]:
        """Return bits for connectors that no file can be asked for: their own, or those that nobody has."""
        free = iter(bit for bit in range(CONNECTORS_LIMIT) if bit not in self.bits.values())
        return {name: self.bits[name] if name in self.bits else next(free) for name in names}

    def unsettled(self, entries: Sequence[Waiting]) -> list[Waiting]:
        """Return stored entries without those who have settled them since."""
        settled = self.group.settled
        left = [(entry[0], entry[1], entry[2], entry[3] & ~settled.get(entry[0], 0)) for entry in entries]
        return [entry for entry in left if entry[3]]

    def counted(self, reserve: Reserve, absent: set[int]) -> None:
        """Take in a count of the whole file; settlements of ``absent`` ids have nothing to settle there."""
        self.reserve, self.audit = reserve, Audit()
        for record_id in absent:
            self.group.unsettle(record_id)

    def audited(self, page: Sequence[Waiting]) -> bool:
        """Count one more page of the file; return whether it was the last, which makes ``differences``."""
        if page:
            self.audit.page(page)
            return False
        self.differences, self.audit = self.audit.differences(self.reserve), Audit()
        return True
