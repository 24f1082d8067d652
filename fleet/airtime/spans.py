"""What a gateway heard by hours or days: pictures chosen from its notes, a picture a step."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection, select, tuple_

from fleet.airtime.pictures import Picture, growth, read_picture
from fleet.evidence.tables import notes

PICTURE: Final = "rf_picture"
"""Name of the note (``agent.evidence.evidence``)."""
READ_LIMIT: Final = 400
"""Pictures that are read for one question; the newest count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came in [from_us, until_us), and the noise floor at its end."""

    from_us: int
    until_us: int
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A picture that is stored: its boot, number and instant (UTC)."""

    boot: int
    seq: int
    at_us: int


def chosen(taken: Iterable[Taken], step_us: int) -> list[Taken]:
    """Return the last picture of each step and boot, oldest first.

    >>> hours = [Taken(boot=1, seq=n, at_us=n * 10) for n in range(6)]
    >>> [one.seq for one in chosen(hours, 30)]
    [2, 5]
    """
    last = {
        (one.boot, one.at_us // step_us): one for one in sorted(taken, key=lambda one: (one.at_us, one.seq))
    }
    return sorted(last.values(), key=lambda one: (one.at_us, one.seq))


def spans_of(pictures: Sequence[tuple[Taken, Picture]], step_us: int) -> list[Heard]:
    """Return what came between pictures that follow one another.

    The first only says from where to count.  One that follows a gap says nothing of
    when its frames came: its span is as long as the gap.
    """
    found = []
    for (before, known), (after, picture) in pairwise(pictures):
        same = before.boot == after.boot
        from_us = before.at_us if same else max(before.at_us, after.at_us - step_us)
        if from_us < after.at_us:
            came = growth(known if same else None, picture)
            found.append(Heard(from_us=from_us, until_us=after.at_us, picture=came))
    return found


def load_heard(connection: Connection, eui: str, from_us: int, until_us: int, step_us: int) -> list[Heard]:
    """Return what one gateway heard, step by step; the picture before ``from_us`` is looked for too."""
    note = notes.c
    mine = (note.eui == eui) & (note.name == PICTURE) & (note.recorded_at_us >= from_us - step_us)
    inside = (note.at_us >= from_us - step_us) & (note.at_us < until_us)
    rows = connection.execute(select(note.boot, note.seq, note.at_us).where(mine, inside))
    picked = chosen((Taken(boot=row.boot, seq=row.seq, at_us=row.at_us) for row in rows), step_us)[
        -READ_LIMIT:
    ]
    if not picked:
        return []
    keys = tuple_(note.boot, note.seq).in_([(one.boot, one.seq) for one in picked])
    fields = {
        (row.boot, row.seq): row.fields
        for row in connection.execute(select(note.boot, note.seq, note.fields).where(note.eui == eui, keys))
    }
    return spans_of([(one, read_picture(fields[one.boot, one.seq])) for one in picked], step_us)
