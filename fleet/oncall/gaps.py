"""Gaps of the plan ahead: a level without anybody, a skill that nobody on call has, a land of nobody; pure.

What is told once is not told again: a gap is known if the same one was told, or one that reached the end of
the window then and whose true end has come into sight since.

Sources: DESIGN §7 (skills, territories); Code du travail L3121-9 and R3121-2: fifteen days' notice of duty,
which is why the look ahead is a little longer.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import pairwise

from fleet.oncall.model import Person, Rota
from fleet.oncall.planning import cuts, holes
from fleet.oncall.rules import on_call

AHEAD_DAYS = 16
"""A day more than the notice that somebody must be given."""

OPEN_END_US = 0
"""End of a gap that lasts beyond the window."""


class GapKind(StrEnum):
    """What is missing."""

    LEVEL = "level"
    SKILL = "skill"
    TERRITORY = "territory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A time for which the plan has nobody; ``what`` is the level, the skill or the EPCI."""

    kind: GapKind
    what: str
    from_us: int
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the sites of the network take."""

    skills: frozenset[str] = frozenset()
    territories: Mapping[str, tuple[frozenset[str], ...]] = field(default_factory=dict)
    """By EPCI: of each of its communes the codes under which it may be named."""


def gaps(
    rota: Rota, people: Mapping[int, Person], demand: Demand, from_us: int, until_us: int
) -> tuple[Gap, ...]:
    """Return every gap of the window, by start; a plan that nobody has begun has none."""
    if not rota.spans and not rota.rotations:
        return ()
    found = [
        Gap(kind=GapKind.LEVEL, what=str(hole.level), from_us=hole.from_us, until_us=hole.until_us)
        for hole in holes(rota, from_us, until_us)
    ]
    found += _joined(_lacks(rota, people, demand, (from_us, until_us)))
    ended = [replace(gap, until_us=OPEN_END_US) if gap.until_us >= until_us else gap for gap in found]
    return tuple(sorted(ended, key=lambda gap: (gap.from_us, gap.kind.value, gap.what)))


def _lacks(
    rota: Rota, people: Mapping[int, Person], demand: Demand, window: tuple[int, int]
) -> Iterator[Gap]:
    for begin, end in pairwise(cuts(rota, *window)):
        present = [people[duty.person_id] for duty in on_call(rota, begin) if duty.person_id in people]
        if not present:
            continue  # a hole of every level; that says it
        for skill in sorted(demand.skills - {one for person in present for one in person.skills}):
            yield Gap(kind=GapKind.SKILL, what=skill, from_us=begin, until_us=end)
        for epci, communes in sorted(demand.territories.items()):
            if not all(_covered(codes, present) for codes in communes):
                yield Gap(kind=GapKind.TERRITORY, what=epci, from_us=begin, until_us=end)


def _covered(codes: frozenset[str], present: Iterable[Person]) -> bool:
    return any(not one.territories or codes.intersection(one.territories) for one in present)


def _joined(pieces: Iterable[Gap]) -> list[Gap]:
    found: list[Gap] = []
    last: dict[tuple[GapKind, str], int] = {}
    for piece in pieces:
        index = last.get((piece.kind, piece.what))
        if index is not None and found[index].until_us == piece.from_us:
            found[index] = replace(found[index], until_us=piece.until_us)
        else:
            last[piece.kind, piece.what] = len(found)
            found.append(piece)
    return found


def unheard(present: Iterable[Gap], mailed: Iterable[Gap], now_us: int) -> tuple[Gap, ...]:
    """Return the gaps that were not told as they stand."""
    known = tuple(mailed)
    return tuple(gap for gap in present if not any(_same(gap, one, now_us) for one in known))


def _same(gap: Gap, mailed: Gap, now_us: int) -> bool:
    if (gap.kind, gap.what) != (mailed.kind, mailed.what):
        return False
    begins = gap.from_us == mailed.from_us or mailed.from_us <= gap.from_us <= now_us
    return begins and mailed.until_us in {gap.until_us, OPEN_END_US}
