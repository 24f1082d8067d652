"""The engine's memory from the database: at start, when a month begins, and of gateways with late facts."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from agent.wire.messages import Presence
from fleet.availability.history import FOR_EVER_US
from fleet.evidence import load
from fleet.evidence.boots import count_facts
from fleet.evidence.tables import incoherences, latest
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.live.memory import GatewayMemory, Memory


def restore_memory(connection: Connection, from_us: int, settings: ContractSettings = DEFAULTS) -> Memory:
    """Return what was known: all that decides timelines from ``from_us`` on, and each gateway's last word."""
    gateways = {
        facts.eui: _with_facts(GatewayMemory(eui=facts.eui), facts)
        for facts in load.load_gateways(connection, Window(from_us, FOR_EVER_US), settings)
    }
    for row in connection.execute(select(latest)).mappings():
        fields: dict[str, Any] = {}
        if row["heartbeat"] is not None:
            heartbeat = load.stored_heartbeat(row["heartbeat"])
            fields |= {"heartbeat": heartbeat, "heartbeat_at_us": row["heartbeat_at_us"]}
        if row["online"] is not None:
            presence = Presence(online=row["online"], boot=row["presence_boot"])
            fields |= {"presence": presence, "presence_at_us": row["presence_at_us"]}
        known = gateways.get(row["eui"]) or GatewayMemory(eui=row["eui"])
        gateways[row["eui"]] = known.changed(**fields)
    for row in connection.execute(select(incoherences)).mappings():
        known = gateways.get(row["eui"]) or GatewayMemory(eui=row["eui"])
        gateways[row["eui"]] = known.changed(incoherent_at_us=row["last_at_us"])
    return Memory(gateways)


def restore_unsure(
    connection: Connection,
    memory: Memory,
    boots: Collection[tuple[str, int]],
    from_us: int,
    settings: ContractSettings = DEFAULTS,
) -> Memory:
    """Return the memory with the facts of those gateways of whose ``boots`` the store knows more."""
    stored = count_facts(connection, boots)
    euis = {eui for (eui, boot), count in stored.items() if count > memory.of(eui).count(boot)}
    if not euis:
        return memory
    found = load.load_gateways(connection, Window(from_us, FOR_EVER_US), settings, euis)
    return memory.with_gateways({facts.eui: _with_facts(memory.of(facts.eui), facts) for facts in found})


def _with_facts(known: GatewayMemory, facts: GatewayFacts) -> GatewayMemory:
    runs = sorted(facts.runs, key=lambda run: run.recorded_at_us)
    newest = runs[-1] if runs else None
    return known.changed(
        newest_run=newest,
        past_runs={(run.boot, run.first_seq): run for run in runs[:-1]},
        journal={(fact.boot, fact.journal_seq): fact for fact in facts.journal},
        skipped=facts.skipped,
    )
