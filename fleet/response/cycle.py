"""One second of incidents, inside the engine's transaction: load, decide, write, fire timers.

``run(connection, network, now_us, policy, settings)`` is all that the engine calls.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.incidents import circumstances, edges, rules, store
from fleet.incidents.burn import alarm
from fleet.incidents.context import CycleContext
from fleet.incidents.model import FLAP_EDGES, Facts
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.intake import calls, mail_in
from fleet.live.model import NetworkNow
from fleet.paging import seals
from fleet.response import apply, due_timers
from fleet.tickets.model import Criticality
from fleet.works import notices


def run(
    connection: Connection,
    network: NetworkNow,
    now_us: int,
    policy: EscalationPolicy = DEFAULT_POLICY,
    settings: ContractSettings = DEFAULTS,
) -> None:
    """Bring incidents, tickets, timers and the outbox to ``now_us``; commit is the caller's."""
    edges.record(connection, network, now_us)
    flaps = edges.flap_counts(connection, now_us)
    incidents = store.load(connection, now_us)
    facts = Facts(
        network=network,
        silence_confirmed_us=settings.silence_confirmed_us,
        incidents=incidents,
        edges=flaps,
        burning=_burning(connection, network, flaps, settings),
    )
    if rules.unexplained(facts, now_us):
        network = circumstances.with_waves(network, circumstances.recent_waves(connection, now_us))
    network = circumstances.with_sensors(connection, network, now_us)
    facts = replace(facts, network=network)
    context = CycleContext(connection, network, now_us, policy, settings)
    for action in rules.decide(facts, now_us):
        apply.apply(context, action)
    mail_in.enter_waiting(context)
    calls.follow(context)
    notices.tell(context)
    seals.mail_pending(context)
    due_timers.fire_due(context)


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
