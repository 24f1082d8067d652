"""Which id the next record gets, pure: no id of a file is given before the file has noted it.

Where no file noted any, ids are *blind*: above every id of a file, never written, replaced at the next load.
"""

from dataclasses import dataclass

IDS_RESERVED = 100_000
"""Ids noted on disk at a time, so that an id is never used twice although most frames are never written."""
RESERVE_AHEAD = IDS_RESERVED // 2
BLIND_IDS_FROM = 1 << 62
BLIND_STARTS = 1 << 32
"""Blind ids of a start begin at a random number below it: servers that see ids see no repetition."""


@dataclass(slots=True)
class Numbering:
    """The ids of one start of the agent; ``next_blind`` begins at ``blind_from`` of its boot."""

    next_blind: int
    next_id: int = 1
    reserved: int = 0
    """The file has noted ids up to this one."""

    @property
    def numbered(self) -> bool:
        """Whether the next id is the file's."""
        return self.next_id <= self.reserved

    @property
    def low(self) -> bool:
        """Whether it is time to note more."""
        return self.next_id + RESERVE_AHEAD > self.reserved

    def new_id(self) -> int:
        """Return an id above all others of this start."""
        if self.numbered:
            self.next_id += 1
            return self.next_id - 1
        self.next_blind += 1
        return self.next_blind - 1

    def begin(self, last_id: int, reserved: int) -> None:
        """Go on behind a file's last id; ``reserved`` 0: it noted none of ours."""
        self.next_id, self.reserved = last_id + 1, reserved

    def extend(self, reserved: int) -> None:
        """Take in that the file has noted more, unless blind ids were given already."""
        if self.numbered:
            self.reserved = reserved

    def blind(self) -> None:
        """Give no more of the file's ids."""
        self.reserved = 0


def blind_from(boot: int) -> int:
    """Return the first blind id of a start; ``boot`` is random."""
    return BLIND_IDS_FROM + boot % BLIND_STARTS
