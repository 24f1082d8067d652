"""From a folder to a file that can be used: what the spool's thread does before anything is loaded."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.spool.disk import PAGE_BYTES
from agent.spool.numbering import IDS_RESERVED
from agent.spool.ports import Disk, Files, SpoolCorrupted, SpoolForeign, SpoolUnwritable
from agent.wire import reasons
from agent.wire.reasons import Reason

FILE_PER_BOUND = 2
"""The file may be this many times the bound of bytes: half-filled pages and what awaits its check-point."""
ATTEMPTS = 3
"""A foreign file, then a damaged one, then a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a loaded file says."""

    bits: dict[str, int]
    """Each connector's bit."""
    retired: int
    """Frames that waited only for connectors that are no more."""
    last_id: int
    reserved: int
    """The last id that it has noted for us; 0: it takes nothing."""
    refusal: Reason | None
    """Why it takes nothing."""


@dataclass(slots=True)
class Opening:
    """Opens a file, mends a damaged one, sets a foreign one aside."""

    files: Files
    damage: Reason | None = None
    """Why the file must be mended before it is opened."""
    counts: Counter[str] = field(default_factory=Counter)
    """Files ``quarantined`` and ``foreign``, frames ``salvaged``."""
    _reports: list[tuple[str, Reason]] = field(default_factory=list)

    def reports(self) -> list[tuple[str, Reason]]:
        """Return, once, what the journal shall say: (value, reason)."""
        reports, self._reports = self._reports, []
        return reports

    def reach(self, stamp: int) -> Disk:
        """Return the opened file.

        Raises:
            SpoolUnwritable: it cannot be opened, or mended, now.
        """
        for _ in range(ATTEMPTS):
            try:
                if self.damage:
                    self._mend(stamp)
                return self.files.open()
            except SpoolCorrupted as error:
                self.damage = error.why
            except SpoolForeign as error:
                aside = self.files.set_aside(error.owner, stamp)
                self.counts["foreign"] += 1
                self._reports.append(("FOREIGN", reasons.spool.foreign(owner=error.owner, file=aside)))
        raise SpoolUnwritable(self.damage or reasons.spool.no_room_to_mend())

    def _mend(self, stamp: int) -> None:
        mended = self.files.mend(stamp)
        self.counts.update(quarantined=1, salvaged=mended.saved)
        why, self.damage = self.damage or reasons.spool.damaged(detail=""), None
        self._reports.append(
            (
                "QUARANTINED",
                reasons.spool.quarantined(cause=why, file=mended.aside, saved_frames=mended.saved),
            )
        )


def enter(disk: Disk, names: Sequence[str], spool_bytes: int) -> Entry:
    """Return what a file says to these connectors, after it noted ids for us if it takes anything.

    Raises:
        SpoolUnwritable, SpoolCorrupted: it does not say.
    """
    retired = disk.retire(names)
    bits = {name: disk.bit_of(name) for name in names}
    disk.limit_pages(FILE_PER_BOUND * spool_bytes // PAGE_BYTES)
    last_id, refusal = disk.last_id(), None
    reserved = last_id + IDS_RESERVED
    try:
        disk.reserve_ids(reserved)
    except SpoolUnwritable as error:
        reserved, refusal = 0, error.why
    return Entry(bits=bits, retired=retired, last_id=last_id, reserved=reserved, refusal=refusal)
