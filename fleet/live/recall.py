"""The engine's memory from the database: at start, and when a month begins."""

from sqlalchemy import Connection, select

from agent.wire.messages import Presence
from fleet.evidence import load
from fleet.evidence.tables import latest
from fleet.live.memory import Memory


def recall(connection: Connection, from_us: int, *, deliveries: bool = True) -> Memory:
    """Return what was known, from ``from_us`` on and the newest word before it of each gateway.

    Without ``deliveries``: they are many, and decide nothing but the deferred figure.
    """
    memory = Memory()
    for run in sorted(load.load_runs(connection, from_us), key=lambda run: run.recorded_at_us):
        memory.of(run.eui).add_run(run)
    for fact in load.load_journal(connection, from_us):
        memory.of(fact.eui).journal[fact.boot, fact.journal_seq] = fact
    for proof in load.load_deliveries(connection, from_us) if deliveries else ():
        memory.of(proof.eui).delivered[proof.boot, proof.seq] = proof
    for row in connection.execute(select(latest)).mappings():
        one = memory.of(row["eui"])
        if row["heartbeat"] is not None:
            one.heartbeat = load.stored_heartbeat(row["heartbeat"])
            one.heartbeat_at_us = row["heartbeat_at_us"]
        if row["online"] is not None:
            one.presence = Presence(online=row["online"], boot=row["presence_boot"])
            one.presence_at_us = row["presence_at_us"]
    return memory
