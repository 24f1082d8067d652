"""Whether what a closed month says still follows from its facts, and its facts from the evidence; pure.

A version is checked three ways: its hash and its figures are computed again from the facts that it carries;
every fact that it carries must still be in the evidence as it was; and the evidence of today must give the
same figures, unless facts that were recorded after the closing explain the difference (they make the next
version, and are no fault).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from fleet.availability import document
from fleet.availability.document import DocumentError
from fleet.availability.reckoning import MonthInput, reckon
from fleet.facts.model import Fact, HeartbeatRun, JournalFact
from fleet.months.closing import Version, close, figures_of, figures_today, seal_of
from fleet.months.timestamp import ATTEMPTS_LIMIT, Authority, TimestampError, verify

SHOWN_LIMIT = 20
"""Names in one finding; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that differs."""

    month: str
    version: int
    what: str
    """``hash``, ``seal``, ``figures``, ``facts``, ``evidence``, ``numbers``, ``snapshot``,
    ``timestamp``; no fault are ``late``, ``skipped``, ``code``, ``contradicted`` and ``unstamped``."""
    text: str

    @property
    def is_fault(self) -> bool:
        """Return whether somebody must look: facts that came late are taken at the next closing."""
        return self.what not in ("late", "skipped", "code", "contradicted", "unstamped")

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.month} v{self.version} {self.what}: {self.text}"


def check_itself(version: Version) -> list[Finding]:
    """Return what a version says that does not follow from the facts that it carries."""

    def found(what: str, text: str) -> Finding:
        return Finding(month=version.month, version=version.number, what=what, text=text)

    try:
        given, digest = document.read(version.facts), document.digest_of_lines(version.facts)
    except DocumentError as error:
        return [found("facts", str(error))]
    findings = []
    if digest != version.hash:
        findings.append(found("hash", f"stored {version.hash}, its facts give {digest}"))
    differing = differences(version.figures, figures_of(given, reckon(given)))
    if version.figures["code"] != document.CODE:
        would = f"would differ in {_some(differing)}" if differing else "would be the same"
        findings.append(
            found("code", f"CLOSED BY {version.figures['code']}; by today's {document.CODE} it {would}")
        )
    elif differing:
        findings.append(found("figures", f"other by its own facts: {_some(differing)}"))
    if version.seal and version.seal != seal_of(version):
        findings.append(found("seal", f"stored {version.seal}, facts and figures give {seal_of(version)}"))
    if contradicted := version.figures.get("corroboration", {}).get("count"):
        findings.append(found("contradicted", f"{contradicted} stretches by what the LNS received"))
    return findings


def check_stamp(
    version: Version, stamp: Mapping[str, Any] | None, authority: Authority | None
) -> Finding | None:
    """Return what is wrong with the time stamp of a version, whose seal is computed again."""
    if stamp is not None and stamp["response"] is not None:
        what, text = "timestamp", _unproved(version, stamp, authority)
    elif authority is None or not version.seal:
        return None
    elif stamp is None:
        what, text = "unstamped", "no time stamp was asked for yet"
    else:
        what = "timestamp" if stamp["attempts"] >= ATTEMPTS_LIMIT else "unstamped"
        text = f"{stamp['attempts']} of {ATTEMPTS_LIMIT} attempts, the last: {stamp['error']}"
    return Finding(month=version.month, version=version.number, what=what, text=text) if text else None


def _unproved(version: Version, stamp: Mapping[str, Any], authority: Authority | None) -> str:
    """Return why a stamp does not prove what a version holds; empty: it does."""
    if authority is None:
        return "stamped, but timestamp_url and timestamp_ca are not set: not verified"
    try:
        stamped_at_us = verify(stamp["response"], seal_of(version), authority)
    except TimestampError as error:
        return f"does not prove facts and figures: {error}"
    stored = stamp["stamped_at_us"]
    return "" if stamped_at_us == stored else f"stored {stored}, the stamp says {stamped_at_us}"


def differs_today(version: Version) -> list[str]:
    """Return in what today's program would differ from a version that another one closed."""
    if version.figures["code"] == document.CODE:
        return []
    return differences(version.figures, figures_today(version))


def check_against(
    version: Version, closed_at_us: int, given: MonthInput, lost: Iterable[Fact], now_us: int
) -> list[Finding]:
    """Return how the newest version of a month differs from the evidence; ``lost``: facts it has no more."""

    def found(what: str, text: str) -> Finding:
        return Finding(month=version.month, version=version.number, what=what, text=text)

    findings = []
    if gone := sorted(name_of(fact) for fact in lost):
        findings.append(found("facts", f"changed or gone in the evidence: {_some(gone)}"))
    made = close(given, version, now_us)
    if made is None:
        return findings
    new = made[0].difference["facts"]
    differing = _some(differences(figures_today(version), made[0].figures))
    if early := [fact for fact in new if fact["recorded_at_us"] <= closed_at_us]:
        names = sorted(str(fact.get("eui", fact["type"])) for fact in early)
        text = f"{len(early)} facts were known when it closed and are not in it ({_some(names)}): {differing}"
        findings.append(found("evidence", text))
    else:
        findings.append(found("late", f"{len(new)} facts came since; version {made[0].number}: {differing}"))
    return findings


def name_of(fact: Fact) -> str:
    """Return how people find a fact again."""
    match fact:
        case HeartbeatRun():
            return f"run {fact.eui} {fact.boot}/{fact.first_seq}"
        case JournalFact():
            return f"journal {fact.eui} {fact.boot}/{fact.journal_seq}"
        case _:
            return f"{type(fact).__name__.lower()} {getattr(fact, 'id', getattr(fact, 'eui', ''))}"


def same_fact(before: Fact, after: Fact) -> bool:
    """Return whether the evidence still holds a fact: runs grow, what people said may be revised."""
    match before, after:
        case HeartbeatRun(), HeartbeatRun():
            grown = after.last_seq >= before.last_seq
            return grown and _unchanging(before) == _unchanging(after)
        case JournalFact(), JournalFact():
            return msgspec.structs.replace(after, recorded_at_us=before.recorded_at_us) == before
        case _:
            return True


def _unchanging(run: HeartbeatRun) -> tuple[object, ...]:
    grows = ("last_seq", "last_uptime_ms", "last_at_us", "recorded_at_us")
    return tuple(getattr(run, name) for name in run.__slots__ if name not in grows)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return the names of what differs between two documents of figures."""
    skipped = ("hash", "communes", "gateways", "code", "corroboration")
    names = [name for name in after if name not in skipped and before.get(name) != after[name]]
    for group, key in (("communes", "insee"), ("gateways", "eui")):
        known = {one[key]: one for one in before.get(group, ())}
        told = {one[key]: one for one in after[group]}
        names += [
            f"{group[:-1]} {name}"
            for name in sorted(known.keys() | told.keys())
            if known.get(name) != told.get(name)
        ]
    return names


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN_LIMIT
    return ", ".join(names[:SHOWN_LIMIT]) + (f" and {more} more" if more > 0 else "")
