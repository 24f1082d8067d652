"""The steps that a person may take on a ticket, from their names to events; pure."""

from enum import StrEnum
from typing import Any, assert_never

from fleet.tickets.model import (
    Acknowledge,
    Arrive,
    Close,
    Depart,
    Event,
    FieldReport,
    Note,
    PauseReason,
    Reopen,
    ResumeClocks,
    StopClocks,
)


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


def event_of(  # noqa: PLR0911 one line a case
    step: Step,
    *,
    who: str,
    now_us: int,
    at_us: int | None = None,
    proof: str = "declared",
    text: str = "",
    reason: str = "",
    cause: str = "",
    action: str = "",
    parts: list[str] | None = None,
    depot: str = "",
) -> Event:
    """Return the event of a step.

    Raises:
        ValueError: a text that the step needs is missing; names it and says what to write.
    """
    by: dict[str, Any] = {"who": who, "via": "api", "at_us": now_us if at_us is None else at_us}
    match step:
        case Step.ACKNOWLEDGE:
            return Acknowledge(**by)
        case Step.DEPART:
            return Depart(**by)
        case Step.ARRIVE:
            return Arrive(**by, proof=proof)
        case Step.PAUSE:
            return StopClocks(**by, reason=_reason(reason), note=text)
        case Step.RESUME:
            return ResumeClocks(**by)
        case Step.CLOSE:
            return Close(**by, report=_report(cause, action, parts or [], depot))
        case Step.REOPEN:
            return Reopen(**by, reason=_needed(reason, "reason", "why it was closed too early"))
        case Step.NOTE:
            return Note(**by, text=_needed(text, "text", "the line to add"))
        case _:
            assert_never(step)


def _reason(text: str) -> PauseReason:
    try:
        return PauseReason(text)
    except ValueError as error:
        known = ", ".join(PauseReason)
        raise ValueError(f"reason: {text!r} stops no clock; write one of {known}") from error


def _report(cause: str, action: str, parts: list[str], depot: str) -> FieldReport | None:
    if not cause.strip() and not action.strip():
        return None
    return FieldReport(
        cause=_needed(cause, "cause", "what had failed"),
        action=_needed(action, "action", "what was done"),
        parts=tuple(part.strip() for part in parts if part.strip()),
        depot=depot.strip(),
    )


def _needed(text: str, name: str, what: str) -> str:
    if not text.strip():
        raise ValueError(f"{name}: empty; write {what}")
    return text.strip()
