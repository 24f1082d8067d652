"""When the shared cause is over and some stay lost: each remaining cause becomes its own; pure.

The operator is back, three villages are not: they were three other faults, or became three.  After most have
been back for ``LEFT_BEHIND_US`` the rest is explained anew.

Sources: DESIGN §7 ("joins and splits as evidence comes").
"""

from collections.abc import Iterator

from fleet.durations import MINUTE_US
from fleet.incidents.correlate import explain
from fleet.incidents.criticality import grade
from fleet.incidents.model import Domain, Explain, Facts, Incident, IncidentState, Member, Split

LEFT_BEHIND_US = 15 * MINUTE_US
"""Long enough for a reboot after a power cut, a slow 4G network and a backlog of reconnections."""

MOSTLY_BACK = 0.5
"""Share of the members that must be back."""


def divide(facts: Facts, flaps: frozenset[str], now_us: int) -> Iterator[Explain | Split]:
    """Yield what becomes of those whom the others left behind."""
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN or incident.cause.domain is Domain.GATEWAY:
            continue
        if flaps.intersection(incident.members) or not _left_behind(incident, now_us):
            continue
        yield from _parts(facts, incident)


def _left_behind(incident: Incident, now_us: int) -> bool:
    back = [one.restored_us for one in incident.members.values() if one.restored_us is not None]
    if not back or not incident.failing or len(back) < MOSTLY_BACK * len(incident.members):
        return False
    return now_us - max(back) >= LEFT_BEHIND_US


def _parts(facts: Facts, incident: Incident) -> Iterator[Explain | Split]:
    failing = {one.eui: one.since_us for one in incident.failing if one.eui in facts.network.gateways}
    first = True
    for part in explain(failing, facts.network):
        if first:
            first = False
            if part.cause != incident.cause:
                yield Explain(incident_id=incident.id, cause=part.cause, reason="left behind")
            continue
        members = tuple(Member(eui=eui, since_us=failing[eui]) for eui in part.euis)
        yield Split(
            incident_id=incident.id,
            cause=part.cause,
            members=members,
            grade=grade(facts.network, part.euis),
            reason="left behind",
        )
