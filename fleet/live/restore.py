"""The engine's memory from the database: at start, when a month begins, and of gateways with late facts."""

from sqlalchemy import Connection, select

from agent.wire.messages import Presence
from fleet.availability.history import FOR_EVER_US
from fleet.evidence import load
from fleet.evidence.boots import count_facts
from fleet.evidence.tables import latest
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.live.memory import GatewayMemory, Memory


def restore_memory(connection: Connection, from_us: int, settings: ContractSettings = DEFAULTS) -> Memory:
    """Return what was known: all that decides timelines from ``from_us`` on, and each gateway's last word."""
    memory = Memory()
    for facts in load.load_gateways(connection, Window(from_us, FOR_EVER_US), settings):
        _remember(memory.of(facts.eui), facts)
    for row in connection.execute(select(latest)).mappings():
        one = memory.of(row["eui"])
        if row["heartbeat"] is not None:
            one.heartbeat = load.stored_heartbeat(row["heartbeat"])
            one.heartbeat_at_us = row["heartbeat_at_us"]
        if row["online"] is not None:
            one.presence = Presence(online=row["online"], boot=row["presence_boot"])
            one.presence_at_us = row["presence_at_us"]
    return memory


def restore_spoken_of(
    connection: Connection, memory: Memory, from_us: int, settings: ContractSettings = DEFAULTS
) -> None:
    """Read the facts of gateways anew of which a boot was spoken of that the store knows better."""
    stored = count_facts(connection, memory.spoken_of)
    euis = {eui for (eui, boot), count in stored.items() if count > memory.of(eui).count(boot)}
    for facts in load.load_gateways(connection, Window(from_us, FOR_EVER_US), settings, euis):
        _remember(memory.of(facts.eui), facts)
    memory.spoken_of.clear()


def _remember(one: GatewayMemory, facts: GatewayFacts) -> None:
    one.runs.clear()
    one.journal.clear()
    for run in sorted(facts.runs, key=lambda run: run.recorded_at_us):
        one.add_run(run)
    one.journal.update(((fact.boot, fact.journal_seq), fact) for fact in facts.journal)
    one.changed()
