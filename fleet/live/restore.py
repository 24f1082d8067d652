"""The engine's memory from the database: at start, when a month begins, and of gateways with late facts."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from agent.wire.messages import Presence
from fleet.availability.history import FOR_EVER_US
from fleet.evidence import load
from fleet.evidence.boots import count_facts
from fleet.evidence.facts import load_blindness, load_commissioning, load_maintenances, load_statements
from fleet.evidence.quarantines import load_open
from fleet.evidence.tables import incoherences, latest
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window, month_around
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.live.memory import GatewayMemory, Memory
from fleet.live.model import NetworkNow
from fleet.live.network import NetworkView
from fleet.registry.store import load_registry


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
    for eui, held in load_open(connection).items():
        gateways[eui] = (gateways.get(eui) or GatewayMemory(eui=eui)).changed(quarantine=held)
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


def restored_network(connection: Connection, settings: ContractSettings, now_us: int) -> NetworkNow:
    """Return the network at ``now_us`` as stored rows prove it, for who asks beside the engine."""
    from_us = month_around(now_us).start_us
    sight = load_blindness(connection, from_us, settings)
    blind = next((one for one in sight if one.end_us is None and not one.euis), None)
    memory = restore_memory(connection, from_us, settings).with_people(
        load_commissioning(connection),
        load_maintenances(connection, from_us),
        load_statements(connection, from_us),
    )
    _, network = NetworkView(settings).seen(
        load_registry(connection),
        memory,
        sight,
        blind_reason=blind.reason if blind else "",
        now_us=now_us,
    )
    return network
