"""One second of incidents, inside the engine's transaction: load, decide, write, fire timers.

``run(connection, network, now_us, policy, settings)`` is all that the engine calls.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from sqlalchemy import Connection

from fleet.durations import MINUTE_US
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import Cause
from fleet.incidents import circumstances, edges, rules, store
from fleet.incidents.burn import alarm
from fleet.incidents.context import CycleContext
from fleet.incidents.model import FLAP_EDGES, Domain, Facts, Incident
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.intake import calls, mail_in
from fleet.live.model import NetworkNow
from fleet.paging import seals
from fleet.response import apply, due_timers
from fleet.tickets.model import Criticality
from fleet.works import notices

CauseOf: TypeAlias = Callable[[str, int], Cause]
"""(EUI, when its loss began) → its cause as it is known now."""


def run(
    connection: Connection,
    network: NetworkNow,
    now_us: int,
    policy: EscalationPolicy = DEFAULT_POLICY,
    settings: ContractSettings = DEFAULTS,
    *,
    cause_of: CauseOf | None = None,
) -> bool:
    """Bring incidents, tickets, timers and the outbox to ``now_us``; commit is the caller's.

    ``cause_of`` is asked what a loss that a change of ours is suspected of turned out to be.  Return whether
    incidents changed: losses may have been charged to us, or no longer.
    """
    edges.record(connection, network, now_us)
    flaps = edges.flap_counts(connection, now_us)
    incidents = store.load(connection, now_us)
    facts = Facts(
        network=network,
        silence_confirmed_us=settings.silence_confirmed_us,
        incidents=incidents,
        edges=flaps,
        burning=_burning(connection, network, flaps, settings),
        turned_out=_proved(incidents, cause_of) if cause_of is not None else {},
    )
    if rules.unexplained(facts, now_us):
        network = circumstances.with_waves(
            network,
            circumstances.recent_waves(connection, now_us, policy.change_suspected_min * MINUTE_US),
        )
    network = circumstances.with_sensors(connection, network, now_us)
    facts = replace(facts, network=network)
    context = CycleContext(connection, network, now_us, policy, settings)
    decided = rules.decide(facts, now_us)
    for action in decided:
        apply.apply(context, action)
    mail_in.enter_waiting(context)
    calls.follow(context)
    notices.tell(context)
    seals.mail_pending(context)
    due_timers.fire_due(context)
    return bool(decided)


def _proved(incidents: tuple[Incident, ...], cause_of: CauseOf) -> dict[str, Cause]:
    suspected = [
        one for each in incidents if each.cause.domain is Domain.WAVE for one in each.members.values()
    ]
    found = {one.eui: cause_of(one.eui, one.since_us) for one in suspected}
    return {eui: cause for eui, cause in found.items() if cause is Cause.POWER}


def _burning(
    connection: Connection, network: NetworkNow, edge_counts: Mapping[str, int], settings: ContractSettings
) -> dict[str, Criticality]:
    """Return the communes of flapping gateways that burn their month too fast."""
    flaps = {eui for eui, count in edge_counts.items() if count >= FLAP_EDGES}
    if not flaps:
        return {}
    hit = [insee for insee, commune in network.communes.items() if flaps.intersection(commune.members)]
    objective_ppm = settings.objective_commune_ppm
    found = {
        insee: alarm(changes, objective_ppm, network.at_us)
        for insee, changes in edges.edges_of(connection, hit).items()
    }
    return {insee: criticality for insee, criticality in found.items() if criticality is not None}
