"""Requests that wait for a second person, as pages show them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.approvals.model import Request, RequestState
from fleet.approvals.store import Choice
from fleet.identity.people import Person, Role
from fleet.rollouts.authorised import SUBJECT, about
from fleet.rollouts.requests import SENT, changes_of
from fleet.web.rendering import Words

CHOICES = {"approuver": Choice.APPROVE, "refuser": Choice.REFUSE, "annuler": Choice.CANCEL}
"""Last part of the address of each decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """One request in a list."""

    id: int
    about: str
    href: str
    changes: Mapping[str, str]
    author: str
    reason: str
    asked_at_us: int
    state: str
    """Where it is, in words: until when it waits, or who decided and what came of it."""
    offers: tuple[str, ...]
    """The decisions that this person may take, by the words of the address."""
    own: bool


def line_of(words: Words, one: Request, person: Person | None) -> RequestLine:
    """Return a request as ``person`` sees it."""
    own = person is not None and person.name == one.author
    is_rollout = one.subject.startswith(SUBJECT)
    number = one.subject.removeprefix(SUBJECT)
    return RequestLine(
        id=one.id,
        about=about(one, words.lang),
        href=f"/deploiements/{number}" if is_rollout else f"/passerelles/{number}",
        changes=changes_of(one),
        author=words.who(one.author),
        reason=one.reason,
        asked_at_us=one.asked_at_us,
        state=_state(words, one),
        offers=_offers(one, own=own) if person is not None and person.may(Role.OPERATOR) else (),
        own=own,
    )


def _offers(one: Request, *, own: bool) -> tuple[str, ...]:
    if one.state is RequestState.WAITING:
        return ("annuler",) if own else ("approuver", "refuser")
    return ("annuler",) if one.state is RequestState.APPROVED and one.due_at_us is not None else ()


def _state(words: Words, one: Request) -> str:
    sentence = words.t(
        f"approval.state.{one.state}",
        until=words.moment(one.expires_at_us),
        who=words.who(one.decided_by) if one.decided_by else "",
        due=words.clock(one.due_at_us or one.asked_at_us, seconds=True),
        why=one.decided_why,
    )
    return f"{sentence} {outcome_in_words(words, one.outcome)}".strip()


def outcome_in_words(words: Words, outcome: str) -> str:
    """Return what came of an approved push: its version, or what spoke against it."""
    number = outcome.removeprefix(SENT.format(version=""))
    if number != outcome:
        return words.t("approval.sent", version=number)
    return words.word("approval.outcome", outcome.removeprefix("approval.")) if outcome else ""
