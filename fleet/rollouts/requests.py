"""Changes that wait for a second person, and emergencies: asked, decided, carried out when they are due.

    page, API, command line ─▶ push_or_ask ─▶ signed at once, or a request (``fleet.approvals``)
    a second person         ─▶ decided     ─▶ a rollout goes on; a push is due, after its countdown
    the engine              ─▶ run_requests ─▶ expired ones end; due pushes are sealed right, weighed, signed

An emergency always takes two persons and counts down; past the oracle it goes only with a stated reason.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import ConfigurationError
from fleet.approvals import store as approvals
from fleet.approvals.model import (
    Confirmation,
    Request,
    RequestKind,
    RequestState,
    TwoPersons,
    fault_of,
    key_of,
)
from fleet.approvals.store import Choice
from fleet.configurations.change import differences
from fleet.configurations.genuine import Forged
from fleet.configurations.working import version_of
from fleet.facts.settings import ContractSettings
from fleet.live.model import NetworkNow
from fleet.rollouts import authorised, machine, store
from fleet.rollouts.look import Looking
from fleet.rollouts.model import RolloutState
from fleet.rollouts.single import Change, Unsafe, WeighedChange, push, weigh
from fleet.rollouts.start import REASON_LIMIT_CHARACTERS, RolloutRefused

SENT = "version {version}"
KEPT = ("content", "asked_seal", "decided_seal", "decided_session", "intact")
DOCUMENT = tuple(name for name in Request.__slots__ if name not in KEPT)
"""What machines read of a request."""


def waits_for_second(connection: Connection, rules: TwoPersons, weighed: WeighedChange) -> bool:
    """Return whether a weighed change waits for a second person."""
    base = version_of(connection, weighed.wanted.eui, weighed.base)
    if base is None:
        return True
    return rules.concerns(differences(base.configuration, weighed.configuration))


def push_or_ask(
    connection: Connection,
    key: Ed25519PrivateKey,
    rules: TwoPersons,
    weighed: WeighedChange,
    *,
    contract: ContractSettings,
    who: str,
    now_us: int,
    emergency: bool = False,
) -> int | Request:
    """Send a weighed change and return its version, or store the request that waits for a second person.

    Raises:
        RolloutRefused, Forged: as ``push``; an emergency wants a reason.
        ApprovalRefused: too many requests wait already.
    """
    if not emergency and not waits_for_second(connection, rules, weighed):
        return push(connection, key, weighed, contract=contract, who=who, now_us=now_us)
    wanted = weighed.wanted
    if not wanted.reason.strip():
        raise RolloutRefused("rollout.refused.reason", limit=REASON_LIMIT_CHARACTERS)
    request = approvals.ask(
        connection,
        key_of(key),
        rules,
        kind=RequestKind.EMERGENCY if emergency else RequestKind.PUSH,
        subject=wanted.eui,
        content=msgspec.to_builtins(wanted),
        needs_second=True,
        author=who,
        reason=wanted.reason.strip(),
        now_us=now_us,
    )
    authorised.tell(connection, request, now_us)
    return request


def decided(
    connection: Connection,
    key: Ed25519PrivateKey,
    rules: TwoPersons,
    number: int,
    choice: Choice,
    *,
    who: str,
    reason: str,
    now_us: int,
    confirmation: Confirmation | None = None,
) -> Request:
    """Let a person approve, refuse or cancel a request, and return it.

    Raises:
        ApprovalRefused: they may not, or it is over.
    """
    one = approvals.decide(
        connection,
        key_of(key),
        rules,
        number,
        choice,
        who=who,
        reason=reason,
        now_us=now_us,
        confirmation=confirmation,
    )
    if one.kind is RequestKind.ROLLOUT:
        _move(connection, one, approved=choice is Choice.APPROVE, now_us=now_us)
    return one


def _move(connection: Connection, one: Request, *, approved: bool, now_us: int) -> None:
    """Let an approved rollout go on, and end one that is not."""
    number = int(one.subject.removeprefix(authorised.SUBJECT))
    before = store.get(connection, number, lock=True)
    if before is None or before.rollout.state is not RolloutState.PAUSED:
        return
    moved = machine.resumed if approved else machine.taken_back
    store.save(connection, before, moved(before.rollout, now_us), before.looked_at_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedRequest:
    """An approved push that is due: what it would send, or what speaks against it."""

    request: Request
    change: WeighedChange | None = None
    outcome: str = ""


def weigh_requests(
    connection: Connection, network: NetworkNow, contract: ContractSettings, now_us: int
) -> tuple[WeighedRequest, ...]:
    """Return the approved pushes that are due, weighed; it writes nothing."""
    due = approvals.due(connection, now_us)
    return tuple(_weighed(connection, one, network, contract, now_us) for one in due)


def _weighed(
    connection: Connection, one: Request, network: NetworkNow, contract: ContractSettings, now_us: int
) -> WeighedRequest:
    try:
        wanted = msgspec.convert(one.content, Change)
        change = weigh(connection, wanted, network=network, contract=contract, now_us=now_us)
    except RolloutRefused as error:
        return WeighedRequest(request=one, outcome=error.key)
    except Unsafe:
        return WeighedRequest(request=one, outcome="approval.unsafe")
    except (ConfigurationError, msgspec.ValidationError):
        return WeighedRequest(request=one, outcome="approval.unfit")
    return WeighedRequest(request=one, change=change)


def run_requests(looking: Looking, weighed: Iterable[WeighedRequest]) -> None:
    """Let requests expire that nobody decided, and carry out the pushes that are due."""
    connection, now_us = looking.connection, looking.now_us
    for one in approvals.expire(connection, now_us):
        if one.kind is RequestKind.ROLLOUT:
            _move(connection, one, approved=False, now_us=now_us)
    for due in weighed:
        present = approvals.get(connection, due.request.id)
        if present == due.request:
            state, outcome = _carried_out(looking, due)
            approvals.close(connection, present, state, outcome, now_us)


def _carried_out(looking: Looking, due: WeighedRequest) -> tuple[RequestState, str]:
    """Sign an approved push; what speaks against it is its outcome."""
    one, contract = due.request, looking.contract
    fault = fault_of(key_of(looking.key), one, one.content, looking.now_us)
    if fault is not None or due.change is None:
        return RequestState.FAILED, fault or due.outcome
    try:
        version = push(
            looking.connection,
            looking.key,
            due.change,
            contract=contract,
            who=one.author,
            now_us=looking.now_us,
        )
    except RolloutRefused as error:
        return RequestState.FAILED, error.key
    except Forged:
        return RequestState.FAILED, "approval.forged"
    return RequestState.DONE, SENT.format(version=version)


def document_of(one: Request) -> dict[str, object]:
    """Return a request as machines read it, without its seals."""
    return {name: getattr(one, name) for name in DOCUMENT} | {"changes": dict(changes_of(one))}


def changes_of(one: Request) -> Mapping[str, str]:
    """Return the settings that a request would change, path → value."""
    found = one.content.get("changes", {})
    return {str(path): str(value) for path, value in found.items()} if isinstance(found, Mapping) else {}
