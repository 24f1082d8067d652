"""Criticality from consequence; pure.

CRITICAL if a commune is LOST, or its breach comes before a technician could have repaired; MAJOR if
redundancy is lost, or sensors are left that nobody hears: they had none; else MINOR.  Sources: DESIGN §7.
"""

from collections.abc import Iterable

from fleet.durations import HOUR_US
from fleet.facts.states import CommuneState
from fleet.incidents.model import Grade
from fleet.live.model import CommuneNow, NetworkNow
from fleet.tickets.clocks import INTERVENTION_LIMIT_US
from fleet.tickets.model import Criticality

REPAIR_ALLOWANCE_US = 2 * HOUR_US
"""What a repair takes once somebody is there (DESIGN §7)."""

BREACH_MARGIN_US = INTERVENTION_LIMIT_US + REPAIR_ALLOWANCE_US
"""A breach nearer than this cannot be prevented by a call that has not begun."""


def grade(network: NetworkNow, euis: Iterable[str]) -> Grade:
    """Return how grave it is that these gateways do not serve."""
    failing = frozenset(euis)
    hit = [commune for commune in network.communes.values() if failing.intersection(commune.members)]
    lost = [commune for commune in hit if commune.state is CommuneState.LOST]
    if lost:
        return _grade(Criticality.CRITICAL, "grade.lost", lost)
    near = [
        commune
        for commune in hit
        if commune.breach_at_us is not None and commune.breach_at_us - network.at_us < BREACH_MARGIN_US
    ]
    if near:
        return _grade(Criticality.CRITICAL, "grade.breach", near)
    single = [commune for commune in hit if len(commune.serving) < 2 <= len(commune.members)]
    if single:
        return _grade(Criticality.MAJOR, "grade.redundancy", single)
    mute = [commune for commune in network.communes.values() if failing.intersection(commune.unheard_by)]
    if mute:
        return _grade(Criticality.MAJOR, "grade.sensors", mute)
    return _grade(Criticality.MINOR, "grade.gateway", hit)


def _grade(criticality: Criticality, reason: str, communes: list[CommuneNow]) -> Grade:
    ordered = sorted(communes, key=lambda commune: (-commune.population, commune.insee))
    return Grade(criticality=criticality, reason=reason, communes=tuple(one.insee for one in ordered))
