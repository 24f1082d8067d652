"""The steps that a person may take on a ticket, from what was typed to an event of the ticket; pure.

``merge_of`` and ``split_of`` say what joining tickets, or parting one, means for tickets and incidents.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never

from fleet.incidents.criticality import grade
from fleet.incidents.model import Absorb, Domain, Member, SharedCause, Split
from fleet.live.model import NetworkNow
from fleet.tickets.model import (
    Acknowledge,
    Arrive,
    Close,
    ConfirmArrival,
    Depart,
    Event,
    FieldReport,
    Merge,
    Note,
    PauseReason,
    ProveArrival,
    Reopen,
    ResumeClocks,
    StepRefused,
    StopClocks,
    Ticket,
)
from fleet.tickets.rules import CODE

TEXT_LIMIT_CHARACTERS = 1000
"""The longest note, cause, action or reason that is kept; what is longer is cut."""

PARTS_LIMIT = 50
"""Spare parts of one field report; those beyond are left out."""


class Step(StrEnum):
    """What a person may do."""

    ACKNOWLEDGE = "acknowledge"
    DEPART = "depart"
    ARRIVE = "arrive"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"
    REOPEN = "reopen"
    NOTE = "note"
    DECLINE = "decline"
    CONFIRM = "confirm"
    """A second person confirms that somebody was on site."""


class Door(StrEnum):
    """Where an act comes in; the trail keeps it as ``via``."""

    PAGE = "page"
    API = "api"
    LINK = "link"
    LABEL = "label"
    SMS = "sms"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPresence:
    """How somebody proves to be on site: one of the three."""

    label: str = ""
    """What the label on the cabinet says."""
    code: str = ""
    """What the gateway shows for this ticket (``challenge``)."""
    lat: float | None = None
    """Degrees north; compared and forgotten."""
    lon: float | None = None
    """Degrees east; compared and forgotten."""


DECLARED = "declared"
"""Nothing was shown: the person says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How we know that somebody is on site."""

    kind: str = DECLARED
    """As ``Ticket.on_site_proof`` keeps it."""
    late: bool = False
    """It was entered so late that a second person must confirm it."""
    not_before_us: int = 0
    """The code proves nothing about the time before it was asked for."""


NO_PROOF = Proof()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRequest:
    """One step as a door hands it on."""

    step: Step
    who: str
    """The name of the person."""
    door: Door
    at_us: int | None = None
    """When it happened, microseconds UTC; None: now.  A phone without coverage sends it later."""
    text: str = ""
    reason: str = ""
    cause: str = ""
    action: str = ""
    parts: tuple[str, ...] = ()
    depot: str = ""
    presence: ShownPresence | None = None
    key: str = ""
    """Names this very request: the same key is carried out once; empty: every request is new."""


def event_of(  # noqa: PLR0911 one line a case
    request: StepRequest, *, now_us: int, proof: Proof = NO_PROOF, there: bool = False
) -> Event | StepRefused:
    """Return the event of a step, or which text is missing; ``there``: somebody is noted on site already."""
    at_us = now_us if request.at_us is None else request.at_us
    by: dict[str, Any] = {"who": request.who, "via": request.door.value, "at_us": at_us}
    match request.step:
        case Step.ACKNOWLEDGE:
            return Acknowledge(**by)
        case Step.DEPART:
            return Depart(**by)
        case Step.ARRIVE:
            return _arrive(by, proof, there=there)
        case Step.PAUSE:
            return _pause(request, by)
        case Step.RESUME:
            return ResumeClocks(**by)
        case Step.CLOSE:
            return _close(request, by)
        case Step.REOPEN:
            reason = _plain(request.reason)
            return Reopen(**by, reason=reason) if reason else missing("reason")
        case Step.CONFIRM:
            text = _plain(request.text)
            return ConfirmArrival(**by, text=text) if text else missing("confirmation")
        case Step.NOTE | Step.DECLINE:
            text = _plain(request.text)
            return Note(**by, text=text) if text else missing("text")
        case _:
            assert_never(request.step)


def missing(name: str) -> StepRefused:
    """Return the refusal of a request that lacks a text."""
    field = "text" if name == "confirmation" else name
    return StepRefused(key=f"ticket.refused.missing.{name}", field=field)


def _arrive(by: dict[str, Any], proof: Proof, *, there: bool) -> Event:
    by = by | {"at_us": max(by["at_us"], proof.not_before_us)}
    if there and proof.kind == CODE:
        return ProveArrival(**by)
    return Arrive(**by, proof=proof.kind, late=proof.late)


def _plain(text: str) -> str:
    return text.strip()[:TEXT_LIMIT_CHARACTERS]


def _pause(request: StepRequest, by: dict[str, Any]) -> Event | StepRefused:
    if request.reason not in tuple(PauseReason):
        known = ", ".join(PauseReason)
        return StepRefused(key="ticket.refused.no_reason", values=(("known", known),), field="reason")
    return StopClocks(**by, reason=PauseReason(request.reason), note=_plain(request.text))


def _close(request: StepRequest, by: dict[str, Any]) -> Event | StepRefused:
    cause, action = _plain(request.cause), _plain(request.action)
    parts = tuple(name for part in request.parts if (name := _plain(part)))[:PARTS_LIMIT]
    if not (cause or action or parts):
        return Close(**by, report=None)
    if not cause or not action:
        return missing("action" if cause else "cause")
    report = FieldReport(cause=cause, action=action, parts=parts, depot=_plain(request.depot))
    return Close(**by, report=report)


def merge_of(
    other: Ticket, into: Ticket, *, who: str, door: Door, at_us: int
) -> Absorb | Merge | StepRefused:
    """Return how ``other`` joins ``into``: as incidents if both have one, else as tickets."""
    if other.id == into.id or not into.working:
        return StepRefused(key="ticket.refused.over")
    if other.incident_id is not None and into.incident_id is not None:
        return Absorb(incident_id=into.incident_id, other_id=other.incident_id, reason=who)
    return Merge(who=who, via=door, at_us=at_us, into=into.id)


def split_of(
    ticket: Ticket, lost_since_us: Mapping[str, int], euis: Iterable[str], network: NetworkNow, *, reason: str
) -> Split | StepRefused:
    """Return the incident of their own that some gateways get, but never all of those that are lost."""
    chosen = [eui for eui in dict.fromkeys(euis) if eui in lost_since_us and eui in network.gateways]
    if ticket.incident_id is None or not chosen or len(chosen) == len(lost_since_us):
        return StepRefused(key="ticket.refused.not_a_part", field="euis")
    return Split(
        incident_id=ticket.incident_id,
        cause=SharedCause(domain=Domain.GATEWAY, value=chosen[0]),
        members=tuple(Member(eui=eui, since_us=lost_since_us[eui]) for eui in chosen),
        grade=grade(network, chosen),
        reason=reason,
    )
