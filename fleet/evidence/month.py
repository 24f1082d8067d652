"""The facts that decide timelines, as the database holds them; figures are made of them elsewhere."""

from sqlalchemy import Connection

from fleet.availability.facts import NetworkFacts
from fleet.evidence import facts
from fleet.live.recall import recall
from fleet.registry.store import load_memberships


def load_facts(connection: Connection, from_us: int, *, deliveries: bool = True) -> NetworkFacts:
    """Return every fact that decides timelines from ``from_us`` on."""
    memory = recall(connection, from_us, deliveries=deliveries)
    memory.replace_people(
        facts.load_commissioning(connection),
        facts.load_maintenances(connection, from_us),
        facts.load_statements(connection, from_us),
    )
    return NetworkFacts(
        gateways={eui: one.facts() for eui, one in sorted(memory.gateways.items())},
        memberships=load_memberships(connection),
        blindness=facts.load_blindness(connection, from_us),
    )
