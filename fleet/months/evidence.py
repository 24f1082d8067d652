"""The facts that decide timelines, as the database holds them; figures are made of them elsewhere."""

from dataclasses import replace

from sqlalchemy import Connection

from fleet.evidence import facts
from fleet.evidence.load import load_deliveries, load_gateways
from fleet.facts.model import DeliveredFact, GatewayFacts, NetworkFacts, gather
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.registry.store import load_memberships


def load_facts(
    connection: Connection, window: Window, settings: ContractSettings = DEFAULTS, *, deliveries: bool = True
) -> NetworkFacts:
    """Return every fact that decides timelines in ``window``.

    Without ``deliveries``: they are many, and decide nothing but the deferred figure.
    """
    delivered: list[DeliveredFact] = load_deliveries(connection, window) if deliveries else []
    told = gather(
        (
            *facts.load_commissioning(connection),
            *facts.load_maintenances(connection, window.start_us),
            *facts.load_statements(connection, window.start_us),
            *delivered,
        )
    ).gateways
    said = {one.eui: one for one in load_gateways(connection, window, settings)}
    for eui, one in said.items():
        known = told.get(eui, GatewayFacts(eui=eui))
        told[eui] = replace(known, runs=one.runs, journal=one.journal, skipped=one.skipped)
    return NetworkFacts(
        gateways=dict(sorted(told.items())),
        memberships=load_memberships(connection),
        blindness=facts.load_blindness(connection, window.start_us, settings),
    )
