"""What was asked of a gateway and what it answered, in words; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from agent.wire.command import SERVICE_AFFECTING, Action
from fleet.configurations.commands import Sent
from fleet.identity.people import Person, Role
from fleet.web.rendering import Words

FOR_TECHNICIANS = (Action.SELF_TEST, Action.LOG_EXCERPT, Action.SPECTRAL_SCAN, Action.SPEED_TEST)
FOR_OPERATORS = (Action.RESET_CONCENTRATOR, Action.RESTART, Action.REBOOT, Action.ROTATE_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """One command in a list."""

    at_us: int
    title: str
    who: str
    state: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One command that a person may send."""

    action: str
    title: str
    what: str
    asks: bool
    """It touches the service: one question before."""


def lines_of(words: Words, sent: Iterable[Sent]) -> list[CommandLine]:
    """Return commands as lines, newest first."""
    return [
        CommandLine(
            at_us=one.issued_at_us,
            title=words.word("command", one.action),
            who=words.who(one.who),
            state=(state := _state(one)),
            outcome=words.gateway_reason(one.text) if one.text else words.t(f"command.state.{state}"),
        )
        for one in sent
    ]


def _state(one: Sent) -> str:
    if one.replied_at_us is not None:
        return "done" if one.ok else "failed"
    return "sent" if one.published else "queued"


def offers_of(words: Words, person: Person | None) -> list[Offer]:
    """Return what this person may ask of a gateway, what does no harm first."""
    allowed = [
        *(FOR_TECHNICIANS if person is not None and person.may(Role.TECHNICIAN) else ()),
        *(FOR_OPERATORS if person is not None and person.may(Role.OPERATOR) else ()),
    ]
    return [
        Offer(
            action=one.value,
            title=words.t(f"command.{one}"),
            what=words.t(f"command.{one}.what"),
            asks=one in SERVICE_AFFECTING,
        )
        for one in allowed
    ]
