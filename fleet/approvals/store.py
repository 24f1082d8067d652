"""Requests and their decisions as rows: asked, decided, cancelled, expired; all is audited."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from fleet.approvals.model import (
    OPEN,
    Confirmation,
    Fault,
    Request,
    RequestKind,
    RequestState,
    TwoPersons,
    asked_seal,
    countdown_us,
    decided_seal,
    fault_of,
)
from fleet.approvals.tables import approvals
from fleet.db.seals import is_intact, seal_rows, taking_away
from fleet.identity import audit

REASON_LIMIT_CHARACTERS = 300
LISTED_LIMIT = 50
"""Newest requests that are over and still shown."""
OPEN_LIMIT = 100
"""Requests that wait; one more is refused until some are decided."""


class Choice(StrEnum):
    """What a person does with a request of another."""

    APPROVE = "approve"
    REFUSE = "refuse"
    CANCEL = "cancel"
    """Its author takes it back, or anybody stops the countdown of an approved one."""


class ApprovalRefused(ValueError):
    """A request or decision that cannot be; ``key`` words it, ``values`` fill it."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(f"{key} {values or ''}".strip())
        self.key, self.values = key, values


def ask(
    connection: Connection,
    key: bytes,
    rules: TwoPersons,
    *,
    kind: RequestKind,
    subject: str,
    content: Mapping[str, Any],
    needs_second: bool,
    author: str,
    reason: str,
    now_us: int,
) -> Request:
    """Store a request; without need of a second person it is approved as it is asked.

    Raises:
        ApprovalRefused: too many wait, or the reason is too long.
    """
    if len(reason) > REASON_LIMIT_CHARACTERS:
        raise ApprovalRefused("approval.refused.reason", limit=REASON_LIMIT_CHARACTERS)
    if needs_second and len(open_requests(connection)) >= OPEN_LIMIT:
        raise ApprovalRefused("approval.refused.too_many", limit=OPEN_LIMIT)
    bare = Request(
        id=0,
        kind=kind,
        subject=subject,
        content=dict(content),
        author=author,
        reason=reason,
        asked_at_us=now_us,
        expires_at_us=now_us + rules.wait_us,
        needs_second=needs_second,
        state=RequestState.WAITING if needs_second else RequestState.APPROVED,
        decided_by="",
        decided_at_us=None,
        decided_why="",
        due_at_us=None,
        outcome="",
        asked_seal="",
        decided_seal="",
    )
    made = replace(bare, asked_seal=asked_seal(key, bare))
    number = int(
        connection.execute(insert(approvals).values(_row(made)).returning(approvals.c.id)).scalar_one()
    )
    made = replace(made, id=number)
    seal_rows(connection, approvals, approvals.c.id == number)
    if needs_second:
        _note(connection, made, "approval.ask", who=author, now_us=now_us, why=reason)
    return made


def decide(
    connection: Connection,
    key: bytes,
    rules: TwoPersons,
    number: int,
    choice: Choice,
    *,
    who: str,
    reason: str,
    now_us: int,
    confirmation: Confirmation | None = None,
) -> Request:
    """Approve, refuse or cancel a request; approving needs the ``confirmation`` of who does.

    Raises:
        ApprovalRefused: there is no such request, it is over, it was changed, or its author would approve it.
    """
    before = get(connection, number)
    if before is None:
        raise ApprovalRefused("approval.refused.unknown", number=number)
    if refusal := _against(key, before, choice, who, now_us) or _unproved(before, choice, confirmation):
        raise refusal
    if choice is not Choice.APPROVE and not reason.strip():
        raise ApprovalRefused("approval.refused.reason", limit=REASON_LIMIT_CHARACTERS)
    states = {
        Choice.APPROVE: RequestState.APPROVED,
        Choice.REFUSE: RequestState.REFUSED,
        Choice.CANCEL: RequestState.CANCELLED,
    }
    after = replace(
        before,
        state=states[choice],
        decided_by=who,
        decided_at_us=now_us,
        decided_why=reason.strip()[:REASON_LIMIT_CHARACTERS],
        due_at_us=now_us + countdown_us(before.kind, rules) if choice is Choice.APPROVE else None,
    )
    if choice is Choice.APPROVE and confirmation is not None:
        after = replace(after, decided_session=confirmation.session, decided_proof=confirmation.proof)
        after = replace(after, decided_seal=decided_seal(key, after))
    _save(connection, after)
    _note(connection, after, f"approval.{choice}", who=who, now_us=now_us, why=after.decided_why)
    return after


def _against(key: bytes, one: Request, choice: Choice, who: str, now_us: int) -> ApprovalRefused | None:
    counting_down = (
        choice is Choice.CANCEL and one.state is RequestState.APPROVED and one.kind is not RequestKind.ROLLOUT
    )
    if one.state is not RequestState.WAITING and not counting_down:
        return ApprovalRefused("approval.refused.over", state=one.state)
    if one.state is RequestState.WAITING and one.expires_at_us <= now_us:
        return ApprovalRefused("approval.refused.over", state=RequestState.EXPIRED)
    if choice is Choice.APPROVE and one.author == who:
        return ApprovalRefused("approval.refused.own")
    if choice is Choice.APPROVE and fault_of(key, one, one.content, now_us) is not Fault.WAITING:
        return ApprovalRefused("approval.refused.forged")
    return None


def _unproved(one: Request, choice: Choice, confirmation: Confirmation | None) -> ApprovalRefused | None:
    """Return why an approval is nobody's, or that of who asked."""
    if choice is not Choice.APPROVE:
        return None
    if confirmation is None:
        return ApprovalRefused("approval.refused.unproved")
    if one.author == audit.COMMAND_LINE and confirmation.by_command_line:
        return ApprovalRefused("approval.refused.command_line")
    return None


def expire(connection: Connection, now_us: int) -> list[Request]:
    """Let the requests expire that nobody decided in time, and return them."""
    late = (approvals.c.state == RequestState.WAITING) & (approvals.c.expires_at_us <= now_us)
    found = [
        _request(connection, row)
        for row in connection.execute(select(approvals).where(late)).mappings().all()
    ]
    for one in found:
        _save(connection, replace(one, state=RequestState.EXPIRED))
        _note(connection, one, "approval.expire", who=audit.SYSTEM, now_us=now_us, why="")
    return found


def close(connection: Connection, one: Request, state: RequestState, outcome: str, now_us: int) -> None:
    """Note what became of an approved push."""
    _save(connection, replace(one, state=state, outcome=outcome))
    _note(connection, one, f"approval.{state}", who=audit.SYSTEM, now_us=now_us, why=outcome)


def end(connection: Connection, kind: RequestKind, subject: str, outcome: str) -> None:
    """Note that what a request was for is over: its approval serves no other."""
    one = of_subject(connection, kind, subject)
    if one is not None and one.intact and one.state is RequestState.APPROVED:
        _save(connection, replace(one, state=RequestState.DONE, outcome=outcome))


def get(connection: Connection, number: int) -> Request | None:
    """Return one request."""
    row = connection.execute(select(approvals).where(approvals.c.id == number)).mappings().first()
    return None if row is None else _request(connection, row)


def of_subject(connection: Connection, kind: RequestKind, subject: str) -> Request | None:
    """Return the newest request about a subject."""
    mine = (approvals.c.kind == kind) & (approvals.c.subject == subject)
    query = select(approvals).where(mine).order_by(approvals.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _request(connection, row)


def open_requests(connection: Connection) -> list[Request]:
    """Return the requests that wait for a person or for their instant, the oldest first."""
    mine = approvals.c.state.in_(sorted(OPEN)) & approvals.c.needs_second & (approvals.c.outcome == "")
    waiting = (approvals.c.state == RequestState.WAITING) | (approvals.c.kind != RequestKind.ROLLOUT)
    rows = connection.execute(select(approvals).where(mine, waiting).order_by(approvals.c.id)).mappings()
    return [_request(connection, row) for row in rows]


def recent(connection: Connection) -> list[Request]:
    """Return the newest requests that needed a second person, newest first."""
    query = select(approvals).where(approvals.c.needs_second).order_by(approvals.c.id.desc())
    return [_request(connection, row) for row in connection.execute(query.limit(LISTED_LIMIT)).mappings()]


def due(connection: Connection, now_us: int) -> list[Request]:
    """Return the approved pushes whose instant has come."""
    mine = (approvals.c.state == RequestState.APPROVED) & (approvals.c.kind != RequestKind.ROLLOUT)
    query = select(approvals).where(mine, approvals.c.due_at_us <= now_us).order_by(approvals.c.id)
    return [_request(connection, row) for row in connection.execute(query).mappings().all()]


def _save(connection: Connection, one: Request) -> None:
    """Store a request; one that somebody else wrote stays known as that."""
    mine = approvals.c.id == one.id
    with taking_away(connection, approvals, mine):
        connection.execute(update(approvals).where(mine).values(_row(one)))


def _row(one: Request) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__slots__ if name not in ("id", "intact")}


def _request(connection: Connection, row: RowMapping) -> Request:
    values = {name: row[name] for name in Request.__slots__ if name not in ("kind", "state", "intact")}
    intact = is_intact(connection, approvals, row)
    return Request(kind=RequestKind(row["kind"]), state=RequestState(row["state"]), intact=intact, **values)


def _note(connection: Connection, one: Request, action: str, *, who: str, now_us: int, why: str = "") -> None:
    after = {"request": one.id, "kind": one.kind, "author": one.author, "reason": why}
    audit.record(connection, now_us=now_us, who=who, action=action, subject=one.subject, after=after)
