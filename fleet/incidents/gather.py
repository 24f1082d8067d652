"""New losses find their incident: one that is under way, one that they explain together, or their own; pure.

First, a loss joins the open incident whose cause it shares, if it began with it; that of a change of ours
gets all losses of its gateways, for a change reaches them one after the other.  What is left is explained
with the young incidents and with the gateways that are silent but not yet confirmed: when an operator
fails, the first loss is confirmed while the other five hundred are already overdue, and they are the evidence
that it is not alone.

Sources: DESIGN §7; AVAILABILITY §1 (a heartbeat every 30 s).
"""

from collections.abc import Iterator, Mapping

from fleet.durations import MINUTE_US
from fleet.facts.states import JUDGED_STATES
from fleet.incidents.causes import compatible
from fleet.incidents.correlate import TOGETHER_US, Part, explain, possible
from fleet.incidents.criticality import grade
from fleet.incidents.model import (
    Absorb,
    Action,
    Domain,
    Explain,
    Facts,
    Incident,
    IncidentState,
    Join,
    Member,
    Open,
)
from fleet.live.model import NetworkNow

YOUNG_US = 10 * MINUTE_US
"""How long an incident's cause is still looked for together with new losses."""

SILENT_US = MINUTE_US
"""Two heartbeats missed: not confirmed, nobody is called for it, but evidence of a shared cause."""


def silent(network: NetworkNow, now_us: int) -> dict[str, int]:
    """Return the gateways that are overdue, with their last word."""
    return {
        eui: gateway.last_word_us
        for eui, gateway in network.gateways.items()
        if gateway.last_word_us is not None
        and now_us - gateway.last_word_us >= SILENT_US
        and gateway.state in JUDGED_STATES
    }


def gather(facts: Facts, new: Mapping[str, int], now_us: int) -> Iterator[Action]:
    """Yield what to do with losses that have no incident yet."""
    left = dict(new)
    for incident in facts.incidents:
        if incident.state is IncidentState.OPEN and incident.cause.domain is not Domain.GATEWAY:
            mine = [eui for eui in left if _shares(incident, facts.network, eui, left[eui])]
            members = tuple(Member(eui=eui, since_us=left.pop(eui)) for eui in mine)
            if members:
                yield Join(incident_id=incident.id, members=members, reason="same cause")
    if left:
        yield from _explained(facts, left, now_us)


def _shares(incident: Incident, network: NetworkNow, eui: str, since_us: int) -> bool:
    if incident.cause not in possible(network.gateways[eui], network):
        return False
    if incident.cause.domain is Domain.WAVE:
        return True
    if not compatible(incident.proved, network.gateways[eui].cause):
        return False
    starts = [member.since_us for member in incident.members.values()]
    return min(starts) - TOGETHER_US <= since_us <= max(starts) + TOGETHER_US


def _explained(facts: Facts, new: Mapping[str, int], now_us: int) -> Iterator[Action]:
    young = [
        incident
        for incident in facts.incidents
        if incident.state is IncidentState.OPEN and now_us - incident.opened_us < YOUNG_US
    ]
    owners = {member.eui: incident for incident in young for member in incident.failing}
    starts = {member.eui: member.since_us for incident in young for member in incident.failing}
    pool = silent(facts.network, now_us) | starts | dict(new)
    pool = {eui: since_us for eui, since_us in pool.items() if eui in facts.network.gateways}
    settled: set[int] = set()
    for part in explain(pool, facts.network):
        mine = sorted({owners[eui].id for eui in part.euis if eui in owners} - settled)
        members = tuple(Member(eui=eui, since_us=new[eui]) for eui in part.euis if eui in new)
        settled.update(mine)
        if mine:
            yield from _together(part, mine, members, owners)
        elif members:
            yield Open(
                cause=part.cause,
                members=members,
                grade=grade(facts.network, [member.eui for member in members]),
                reason=part.reason,
            )


def _together(
    part: Part, mine: list[int], members: tuple[Member, ...], owners: Mapping[str, Incident]
) -> Iterator[Action]:
    oldest = mine[0]
    for other in mine[1:]:
        yield Absorb(incident_id=oldest, other_id=other, reason=part.reason)
    if members:
        yield Join(incident_id=oldest, members=members, reason=part.reason)
    causes = {incident.cause for incident in owners.values() if incident.id == oldest}
    if causes != {part.cause}:
        yield Explain(incident_id=oldest, cause=part.cause, reason=part.reason)
