"""One second of incidents, inside the engine's transaction: load, decide, write, fire timers.

``run(connection, network, now_us, policy, settings)`` is all that the engine calls.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.incidents import circumstances, rules, store
from fleet.incidents import edges as pulse
from fleet.incidents.burn import alarm
from fleet.incidents.context import CycleContext
from fleet.incidents.model import FLAP_EDGES, Facts
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.intake import calls as reported
from fleet.intake import mail_in
from fleet.live.model import NetworkNow
from fleet.response import apply
from fleet.response import due_timers as firing
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
    pulse.beat(connection, network, now_us)
    edges = pulse.flap_counts(connection, now_us)
    incidents = store.load(connection, now_us)
    facts = Facts(
        network=network,
        silence_confirmed_us=settings.silence_confirmed_us,
        incidents=incidents,
        edges=edges,
        burning=_burning(connection, network, edges, settings),
    )
    if rules.unexplained(facts, now_us):
        network = circumstances.with_waves(network, circumstances.recent_waves(connection, now_us))
    network = circumstances.with_sensors(connection, network, now_us)
    facts = replace(facts, network=network)
    context = CycleContext(connection, network, now_us, policy, settings)
    for action in rules.decide(facts, now_us):
        apply.apply(context, action)
    mail_in.enter_waiting(context)
    reported.follow(context)
    notices.tell(context)
    firing.fire_due(context)


def _burning(
    connection: Connection, network: NetworkNow, edges: Mapping[str, int], settings: ContractSettings
) -> dict[str, Criticality]:
    """Return the communes of flapping gateways that burn their month too fast."""
    flaps = {eui for eui, count in edges.items() if count >= FLAP_EDGES}
    if not flaps:
        return {}
    hit = [insee for insee, commune in network.communes.items() if flaps.intersection(commune.members)]
    objective_ppm = settings.objective_commune_ppm
    found = {
        insee: alarm(changes, objective_ppm, network.at_us)
        for insee, changes in pulse.edges_of(connection, hit).items()
    }
    return {insee: criticality for insee, criticality in found.items() if criticality is not None}
