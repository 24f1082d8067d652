"""What is proved to have failed, and whether a new loss may have the cause of an old one; pure.

    the incident's cause   the gateway's cause now   the same fault?
    the network server     any other, or none        no: a silent gateway cannot tell of that one
    any other, or none     the network server        no
    known                  another that is known     no
    otherwise                                        yes: silence contradicts nothing

Sources: AVAILABILITY §2 (causes of an interval).
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from fleet.facts.states import LOST_STATES, Cause
from fleet.incidents.model import Attribute, Facts, IncidentState
from fleet.live.model import NetworkNow

UNPROVED = frozenset({Cause.NONE, Cause.UNKNOWN, Cause.OURS})
"""A change of ours is suspected, never proved."""


def proved_cause(network: NetworkNow, euis: Iterable[str], known: Cause = Cause.NONE) -> Cause:
    """Return the proved cause of most of these losses; of two equally frequent ones the known stays."""
    found = Counter(
        gateway.cause
        for eui in euis
        if (gateway := network.gateways.get(eui)) is not None
        and gateway.state in LOST_STATES
        and gateway.cause not in UNPROVED
    )
    if not found:
        return known
    most = max(found.values())
    likeliest = sorted(cause for cause, count in found.items() if count == most)
    return known if known in likeliest else likeliest[0]


def compatible(before: Cause, cause: Cause) -> bool:
    """Return whether a loss with this cause may go on with what failed before.

    >>> compatible(Cause.LNS, Cause.UNKNOWN), compatible(Cause.POWER, Cause.UNKNOWN)
    (False, True)
    """
    if Cause.LNS in (before, cause):
        return before is cause
    return before is cause or before in UNPROVED or cause in UNPROVED


def attributions(facts: Facts) -> Iterator[Attribute]:
    """Yield what is proved about open incidents and was not known, or was known otherwise."""
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN:
            continue
        failing = [member.eui for member in incident.failing]
        found = proved_cause(facts.network, failing, incident.proved)
        if found is not incident.proved:
            yield Attribute(incident_id=incident.id, proved=found)
