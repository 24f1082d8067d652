"""Gateways that come and go: one incident, graded by how fast the month burns; pure.

A loss too short to be confirmed opens nothing, but ``FLAP_EDGES`` of them in ``FLAP_WINDOW_US`` do.  While it
flaps, single losses and returns are not told; the grade says when it becomes grave.

Sources: DESIGN §7.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fleet.facts.states import GatewayState
from fleet.incidents.criticality import grade
from fleet.incidents.model import (
    FLAP_EDGES,
    Domain,
    Facts,
    Grade,
    Incident,
    IncidentState,
    Member,
    Open,
    Regrade,
    SharedCause,
)


def flapping(facts: Facts) -> frozenset[str]:
    """Return the gateways that flap."""
    return frozenset(
        eui for eui, count in facts.edges.items() if count >= FLAP_EDGES and eui in facts.network.gateways
    )


def open_flaps(facts: Facts, euis: Iterable[str]) -> Iterator[Open]:
    """Open one incident for each gateway that flaps and has none."""
    for eui in sorted(euis):
        gateway = facts.network.gateways[eui]
        back_us = gateway.since_us if gateway.state is GatewayState.SERVING else None
        yield Open(
            cause=SharedCause(domain=Domain.GATEWAY, value=eui),
            members=(Member(eui=eui, since_us=gateway.since_us, restored_us=back_us),),
            grade=flap_grade(facts, [eui]),
            reason=f"flaps {facts.edges[eui]}",
        )


def flap_grade(facts: Facts, euis: Iterable[str]) -> Grade:
    """Return how grave the flapping is: by the pace of the loss, not by the instant."""
    hit = frozenset(euis)
    communes = [one for one in facts.network.communes.values() if hit.intersection(one.members)]
    burning = [one.insee for one in communes if one.insee in facts.burning]
    if burning:
        worst = min((facts.burning[insee] for insee in burning), key=lambda one: one.weight)
        return Grade(criticality=worst, reason="grade.burn", communes=tuple(burning))
    calm = grade(facts.network, ())
    return Grade(
        criticality=calm.criticality, reason="grade.flaps", communes=tuple(one.insee for one in communes)
    )


def regrades(facts: Facts, flaps: frozenset[str]) -> Iterator[Regrade]:
    """Regrade open incidents: what flaps by its pace, what is lost by its consequence, the graver of both."""
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN:
            continue
        found = _graver(facts, incident, flaps)
        if found is not None and (grown := _grown(incident, found)) is not None:
            yield Regrade(incident_id=incident.id, grade=grown)


def _back(facts: Facts, eui: str) -> bool:
    """Return whether a member serves again in this very cycle: its return is no milder consequence."""
    gateway = facts.network.gateways.get(eui)
    return gateway is None or gateway.state is GatewayState.SERVING


def _grown(incident: Incident, found: Grade) -> Grade | None:
    """Return the grade with every commune that it ever spoke of; None if nothing is new."""
    known = frozenset(incident.communes)
    added = tuple(insee for insee in found.communes if insee not in known)
    if found.criticality.weight < incident.criticality.weight:
        return found
    if found.criticality is incident.criticality:
        return replace(found, communes=(*incident.communes, *added)) if added else None
    return replace(found, communes=incident.communes)


def _graver(facts: Facts, incident: Incident, flaps: frozenset[str]) -> Grade | None:
    mine = flaps.intersection(incident.members)
    lasting = [
        member.eui for member in incident.failing if member.eui not in mine and not _back(facts, member.eui)
    ]
    found = [flap_grade(facts, mine)] if mine else []
    found += [grade(facts.network, lasting)] if lasting else []
    return min(found, key=lambda one: one.criticality.weight, default=None)
