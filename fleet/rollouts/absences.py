"""Who is out now or will be, from the rows of works, permits, commands and tickets; every query of it."""

from sqlalchemy import Connection, select

from agent.wire.messages import ConfigState
from fleet.configurations import store as configurations
from fleet.configurations.commands import stopped_since
from fleet.evidence.facts import load_maintenances
from fleet.facts.settings import ContractSettings
from fleet.lang.paris import paris
from fleet.live.model import NetworkNow
from fleet.objects.coverers import load_coverages
from fleet.registry.tables import gateways
from fleet.rollouts.store import under_way
from fleet.safety.absences import (
    RESTART_US,
    VISIT_LIMIT_US,
    command_absences,
    permit_absences,
    rollout_absences,
    visit_absences,
    works_absences,
)
from fleet.safety.model import Absence
from fleet.safety.view import SafetyView, safety_view
from fleet.tickets.model import TicketState
from fleet.tickets.tables import tickets


def load_absences(connection: Connection, settings: ContractSettings, now_us: int) -> list[Absence]:
    """Return who is out at ``now_us`` or will be, as far as it is known."""
    works = load_maintenances(connection, now_us)
    permitted = configurations.permitted_at_us(connection)
    trials = configurations.trials(connection)
    sent = {one.eui: one.issued_at_us for one in trials if one.reported_state is not ConfigState.WAITING}
    begun = sent | {eui: max(at_us, sent.get(eui, 0)) for eui, at_us in permitted.items()}
    commanded = stopped_since(connection, now_us - RESTART_US)
    return [
        *works_absences(works, settings.maintenance_notice_us),
        *permit_absences(begun, frozenset(trial.eui for trial in trials)),
        *command_absences(commanded),
        *visit_absences(_visits(connection, now_us - VISIT_LIMIT_US)),
        *rollout_absences(under_way(connection)),
    ]


def load_view(connection: Connection, network: NetworkNow, settings: ContractSettings) -> SafetyView:
    """Return the network with the sensors that were frozen for its month."""
    return safety_view(network, load_coverages(connection, f"{paris(network.at_us):%Y-%m}"), settings)


def _visits(connection: Connection, since_us: int) -> list[tuple[str, int, int]]:
    there = (tickets.c.state == TicketState.ON_SITE) & (tickets.c.on_site_at_us > since_us)
    query = (
        select(gateways.c.eui, tickets.c.on_site_at_us, tickets.c.id)
        .join(gateways, gateways.c.site_id == tickets.c.site_id)
        .where(there)
    )
    return [(eui, at_us, ticket) for eui, at_us, ticket in connection.execute(query)]
