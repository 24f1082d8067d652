"""A gateway to which nobody listens is an incident of its own, beside any loss; pure.

It opens with the quarantine, ends with it, and opens again if the next comes within ``REOPEN_WINDOW_US``.
Losses and returns do not touch it: a gateway that is not listened to is UNKNOWN.  Where so many go beyond
their budgets that no more are quarantined, one incident says that the limit itself is suspected.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fleet.incidents.criticality import grade
from fleet.incidents.model import (
    Action,
    Domain,
    End,
    Fail,
    Grade,
    Incident,
    IncidentState,
    Leave,
    Member,
    Open,
    Recover,
    SharedCause,
)
from fleet.live.model import GatewayNow, NetworkNow

GRADE = "grade.quarantine"
GRADE_BUDGET = "grade.budget"
OURS = frozenset({Domain.QUARANTINE, Domain.BUDGET})
LIMIT = SharedCause(domain=Domain.BUDGET, value="messages")
"""There is one such incident at a time."""


def parted(incidents: Iterable[Incident]) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Return the incidents of losses, and those of quarantines."""
    known = tuple(incidents)
    quarantines = tuple(one for one in known if one.cause.domain in OURS)
    return tuple(one for one in known if one.cause.domain not in OURS), quarantines


def decide(incidents: Iterable[Incident], network: NetworkNow, now_us: int) -> Iterator[Action]:
    """Yield what to do about quarantines; ``incidents`` are theirs, open or ended a moment ago."""
    known = [one for one in incidents if one.state is not IncidentState.MERGED]
    newest = {one.cause.value: one for one in known if one.cause != LIMIT}
    yield from _limit(next((one for one in reversed(known) if one.cause == LIMIT), None), network, now_us)
    for eui, gateway in network.gateways.items():
        if gateway.quarantine:
            yield from _held(newest.get(eui), gateway, network)
    for incident in newest.values():
        if incident.state is IncidentState.OPEN:
            yield from _over(incident, network, now_us)


def _held(known: Incident | None, gateway: GatewayNow, network: NetworkNow) -> Iterator[Action]:
    since_us = network.at_us if gateway.quarantine_since_us is None else gateway.quarantine_since_us
    members = (Member(eui=gateway.eui, since_us=since_us),)
    if known is None:
        cause = SharedCause(domain=Domain.QUARANTINE, value=gateway.eui)
        found = _graded(network, gateway.eui)
        yield Open(cause=cause, members=members, grade=found, reason=f"quarantine: {gateway.quarantine}")
    elif known.state is IncidentState.ENDED:
        yield Fail(incident_id=known.id, members=members)


def _limit(known: Incident | None, network: NetworkNow, now_us: int) -> Iterator[Action]:
    """Yield what to do about the suspicion that a limit is wrong."""
    spared = {eui: since_us for eui, since_us in network.spared.items() if eui in network.gateways}
    if spared:
        first = sorted(spared.items(), key=lambda one: (one[1], one[0]))
        members = tuple(Member(eui=eui, since_us=since_us) for eui, since_us in first)
        if known is None:
            found = replace(grade(network, spared), reason=GRADE_BUDGET)
            yield Open(
                cause=LIMIT, members=members, grade=found, reason=f"budgets: {len(spared)} gateways spared"
            )
        elif known.state is IncidentState.ENDED:
            yield Fail(incident_id=known.id, members=members)
    elif known is not None and known.state is IncidentState.OPEN:
        back = tuple(replace(one, restored_us=now_us) for one in known.failing)
        yield Recover(incident_id=known.id, members=back)
        yield End(incident_id=known.id, at_us=now_us)


def _over(incident: Incident, network: NetworkNow, now_us: int) -> Iterator[Action]:
    gateway = network.gateways.get(incident.cause.value)
    if gateway is not None and gateway.quarantine:
        return
    if gateway is None:
        yield Leave(incident_id=incident.id, euis=(incident.cause.value,), reason="withdrawn")
    else:
        back = tuple(replace(one, restored_us=now_us) for one in incident.failing)
        yield Recover(incident_id=incident.id, members=back)
    yield End(incident_id=incident.id, at_us=now_us)


def _graded(network: NetworkNow, eui: str) -> Grade:
    """As grave as the gateway's silence would be, by another name."""
    return replace(grade(network, (eui,)), reason=GRADE)
