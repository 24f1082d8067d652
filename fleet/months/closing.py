"""Closing a month: when it is due, version 1, then a version for every later fact that changes it; pure.

Version 1 is due on the 4th at 08:00 in Paris.  A closed month is looked at again when facts about it were
recorded since the last look, and once a day for ``WATCH_US`` whatever we know: a fact whose own instant is
wrong tells no month.  Looking makes a version only if a figure changed.

A closed month is told from the instant of its closing, with the settings, weights and members of version 1;
only facts may be added.  Facts that change no figure and no timeline (a run that grew after the month) make
no version, nor does a newer program: what it would give is named by ``checking`` and the page.

Sources: AVAILABILITY §8.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from fleet.availability import document, result
from fleet.availability.reckoning import MonthInput, MonthResult, reckon
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.facts.model import gather
from fleet.facts.months import closes_at_us, months_between

CAUSES_LIMIT = 1_000
"""Facts listed in a difference; beyond, only counted."""
MONTHS_LIMIT = 24
"""The newest months that close by themselves; older ones by `passerelle fleet month close`."""
AGAIN_US = HOUR_US
"""Between two looks at one closed month, so that late facts that trickle in are taken together."""
DAILY_US = DAY_US
WAIT_LIMIT_US = 10 * MINUTE_US
"""How long closing waits for messages that came before; what is stored later makes the next version."""
WATCH_US = 31 * DAILY_US
"""How long after its closing hour a month is looked at every day: a whole month of spooled evidence."""


class NotYetError(ValueError):
    """The month may not close yet; says when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One closed version of a month."""

    month: str
    number: int
    hash: str
    facts: tuple[bytes, ...]
    """The document, line by line."""
    figures: dict[str, Any]
    difference: dict[str, Any]
    """Empty for version 1."""
    seal: str = ""
    """SHA-256 over hash and figures, mailed to the members; empty for a version of an older program."""


def close(given: MonthInput, before: Version | None, now_us: int) -> tuple[Version, MonthResult] | None:
    """Return the next version of a month, or None if nothing changed since ``before``.

    Raises:
        NotYetError: before the 4th at 08:00 in Paris.
    """
    due_us = closes_at_us(given.month)
    if now_us < due_us:
        raise NotYetError(f"month: {given.month} closes on the 4th of the month after at 08:00 (Paris)")
    frozen = _frozen(replace(given, as_of_us=due_us), before)
    digest = document.digest(frozen)
    lines = tuple(document.write(frozen))
    known = () if before is None else _content_today(before)
    if before is not None and (before.hash == digest or set(lines[1:]) == set(known)):
        return None
    told = reckon(frozen)
    figures = figures_of(frozen, told)
    if before is not None and _without_hash(figures_today(before)) == _without_hash(figures):
        return None
    version = Version(
        month=given.month,
        number=1 if before is None else before.number + 1,
        hash=digest,
        facts=lines,
        figures=figures,
        difference={} if before is None else difference(before, figures, lines, known),
    )
    return sealed(version), told


def sealed(version: Version) -> Version:
    """Return the version with its seal."""
    return replace(version, seal=seal_of(version))


def figures_of(given: MonthInput, reckoned: MonthResult) -> dict[str, Any]:
    """Return figures as a version stores them."""
    plain: dict[str, Any] = msgspec.to_builtins(result.document(given, reckoned), str_keys=True)
    return plain


def figures_today(version: Version) -> dict[str, Any]:
    """Return the figures of a version; if another program made it, those that today's gives of its facts."""
    if version.figures["code"] == document.CODE:
        return version.figures
    given = document.read(version.facts)
    return figures_of(given, reckon(given))


def _content_today(version: Version) -> tuple[bytes, ...]:
    """Return what a version holds as lines of today's program, so that a new field is no new fact."""
    return tuple(document.write(document.read(version.facts)))[1:]


def _frozen(given: MonthInput, before: Version | None) -> MonthInput:
    """Return the input with settings, weights and members as version 1 had them, and no fact forgotten."""
    if before is None:
        return given
    first = document.read(before.facts)
    if given.snapshots[len(first.snapshots) :]:
        first = _corrected(first, given)
    known = dict.fromkeys(document.facts_of(first.facts))
    known.update(dict.fromkeys(document.facts_of(replace(given.facts, memberships=()))))
    return replace(
        given,
        facts=gather(known),
        communes=first.communes,
        gateways=first.gateways,
        coverages=first.coverages,
        settings=first.settings,
        snapshots=first.snapshots,
    )


def _corrected(first: MonthInput, given: MonthInput) -> MonthInput:
    """Return the first version on a snapshot that people corrected since."""
    return replace(
        first,
        facts=replace(first.facts, memberships=given.facts.memberships),
        communes=given.communes,
        gateways=given.gateways,
        settings=given.settings,
        snapshots=given.snapshots,
    )


def seal_of(version: Version) -> str:
    """Return the seal of a version: who holds it can tell whether a fact or a stored figure was changed."""
    return hashlib.sha256(sealed_text(version).encode()).hexdigest()


def sealed_text(version: Version) -> str:
    """Return the text of which a seal is the SHA-256: month, version, its hash, and that of its figures."""
    figures = msgspec.json.encode(version.figures, order="sorted")
    return f"{version.month} {version.number} {version.hash} {hashlib.sha256(figures).hexdigest()}"


def _without_hash(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in figures.items() if name not in ("hash", "corroboration")}


def difference(
    before: Version, figures: Mapping[str, Any], lines: Sequence[bytes], known: Sequence[bytes]
) -> dict[str, Any]:
    """Return what changed between two versions, and the facts that caused it; ``known`` are those before."""
    known_lines = set(known)
    new = [line for line in lines[1:] if line not in known_lines]
    code = {"before": before.figures["code"], "after": figures["code"]}
    return {
        "since_version": before.number,
        "code": {} if code["before"] == code["after"] else code,
        "whole": _change(before.figures["whole"], figures["whole"]),
        "deferred": _change(before.figures["deferred"], figures["deferred"]),
        "communes": _changed(before.figures["communes"], figures["communes"], "insee"),
        "gateways": _changed(before.figures["gateways"], figures["gateways"], "eui"),
        "facts_added": len(new),
        "facts": [msgspec.json.decode(line) for line in new[:CAUSES_LIMIT]],
    }


def _changed(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], key: str
) -> list[dict[str, Any]]:
    known = {one[key]: one for one in before}
    return [
        {key: one[key]} | _change(known.get(one[key], {}), one) for one in after if known.get(one[key]) != one
    ]


def _change(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    names = ("served", "charged", "availability_percent", "met", "by_state_us", "deferred")
    return {
        name: {"before": before.get(name), "after": after[name]}
        for name in names
        if name in after and before.get(name) != after[name]
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Awaited:
    """Messages that closing a month waits for: those that had come when it was due, none that came since."""

    month: str
    offered: int
    """How many had come since the start."""
    since_us: int
    """When that was, on the monotonic clock."""

    def left(self, settled: int) -> int:
        """Return how many of them are not settled."""
        return max(0, self.offered - settled)

    def too_long(self, monotonic_us: int) -> bool:
        """Say whether closing waits no longer, whatever is left."""
        return monotonic_us - self.since_us >= WAIT_LIMIT_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one month stands."""

    month: str
    closed: bool
    looked_at_us: int | None
    """When closing it was last tried to the end; None: never."""
    late: bool
    """Facts about it were recorded since then."""


def closable(first_at_us: int | None, now_us: int) -> tuple[str, ...]:
    """Return the months that may be closed, oldest first; ``first_at_us``: our first evidence."""
    if first_at_us is None or first_at_us > now_us:
        return ()
    months = months_between(first_at_us, now_us)
    return tuple(month for month in months if closes_at_us(month) <= now_us)[-MONTHS_LIMIT:]


def due(standings: Iterable[Standing], now_us: int) -> str | None:
    """Return the month to close now: open ones first, the oldest of them; None: nothing to do."""
    known = sorted(standings, key=lambda one: (one.closed, one.looked_at_us or 0, one.month))
    return next((one.month for one in known if _is_due(one, now_us)), None)


def _is_due(one: Standing, now_us: int) -> bool:
    if now_us < closes_at_us(one.month):
        return False
    if not one.closed or one.looked_at_us is None:
        return True
    since_us = now_us - one.looked_at_us
    watched = now_us < closes_at_us(one.month) + WATCH_US
    return (one.late and since_us >= AGAIN_US) or (watched and since_us >= DAILY_US)
