"""Who of those on call is the right one for a place: by territory, then by skill; pure.

    somebody of the territory is trained     they come first, the others of the territory after them
    only somebody of elsewhere is trained    they come first all the same: a border must not be a hole
    nobody on call is trained                everybody of the territory, and the message says what is missing

Training is what the law asks of a person (``fleet.registry.model.SKILLS``); a key is fetched.

Sources: DESIGN §7; Code du travail R4323-55, R4323-61, R4544-9.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from fleet.oncall.model import OnCallNow
from fleet.registry.model import SKILLS


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Whom to call, in order of their levels, and which skill none of them has."""

    on_call: tuple[OnCallNow, ...]
    missing: tuple[str, ...] = ()


def skills_of(needs: Iterable[str]) -> tuple[str, ...]:
    """Return the needs that take a trained person, in the order of the list.

    >>> skills_of(["key", "electrics", "height_work"])
    ('height_work', 'electrics')
    """
    asked = frozenset(needs)
    return tuple(skill.value for skill in SKILLS if skill in asked)


def choose(on_call: tuple[OnCallNow, ...], territory: frozenset[str], needs: Iterable[str]) -> Choice:
    """Return those on call whose place and training it is, the best first."""
    mine, skills = concerned(on_call, territory), frozenset(skills_of(needs))
    if not skills:
        return Choice(on_call=mine)
    able = _trained(mine, skills)
    if _met(able, skills) < len(skills):
        elsewhere = _trained(on_call, skills)
        able = elsewhere if _met(elsewhere, skills) > _met(able, skills) else able
    present = frozenset(skill for one in able for skill in one.person.skills)
    missing = tuple(skill for skill in skills_of(skills) if skill not in present)
    return Choice(on_call=_first(able, mine), missing=missing)


def concerned(on_call: tuple[OnCallNow, ...], territory: frozenset[str]) -> tuple[OnCallNow, ...]:
    """Return those whose territory it is; everybody if it is nobody's: a border must not be a hole."""
    mine = [
        one for one in on_call if not one.person.territories or territory.intersection(one.person.territories)
    ]
    return tuple(mine) or on_call


def _trained(on_call: tuple[OnCallNow, ...], skills: frozenset[str]) -> tuple[OnCallNow, ...]:
    """Return those who have most of the skills; nobody if nobody has any."""
    counts = [len(skills.intersection(one.person.skills)) for one in on_call]
    best = max(counts, default=0)
    return tuple(one for one, count in zip(on_call, counts, strict=True) if count == best > 0)


def _met(able: tuple[OnCallNow, ...], skills: frozenset[str]) -> int:
    return max((len(skills.intersection(one.person.skills)) for one in able), default=0)


def _first(able: tuple[OnCallNow, ...], mine: tuple[OnCallNow, ...]) -> tuple[OnCallNow, ...]:
    """Return ``able`` on their levels, and the others on levels behind them."""
    trained = {one.person.id for one in able}
    last = max((one.duty.level for one in able), default=0)
    others = [one for one in mine if one.person.id not in trained]
    behind = [replace(one, duty=replace(one.duty, level=last + one.duty.level)) for one in others]
    return (*able, *behind)
