"""One batch of messages into the database within the caller's transaction, and the state that knows it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.broker.received import Received
from fleet.configurations import commands
from fleet.engine.state import EngineState
from fleet.evidence import store
from fleet.evidence.ingest import Sorter
from fleet.facts.settings import ContractSettings
from fleet.live.restore import restore_unsure


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """What became of a batch, once its transaction is committed."""

    state: EngineState
    refused: int


def store_messages(
    connection: Connection, state: EngineState, batch: Sequence[Received], settings: ContractSettings
) -> StoredBatch:
    """Store a batch and return the state that knows it."""
    memory = state.memory
    sorter = Sorter(
        newest_run=memory.newest_run,
        known=state.registry.gateways,
        settings=settings,
        cut_us=state.timekeeping.cut_us,
        newest_heartbeat=memory.heartbeat,
        newest_presence=memory.presence,
        allowance=memory.allowance,
    )
    rows = sorter.sort(batch)
    store.store_batch(connection, rows)
    commands.note_replies(connection, rows.replies)
    after = memory.with_batch(rows)
    if unsure := memory.unsure(rows):
        after = restore_unsure(connection, after, unsure, state.from_us, settings)
    return StoredBatch(state=replace(state, memory=after), refused=len(rows.refused))


def refuse_message(connection: Connection, message: Received, error: Exception) -> None:
    """Keep a message that no transaction takes, so that it stops no other."""
    store.store_refused(connection, [(message, f"cannot be stored: {error}")])
    store.count(connection, {"refused": 1})
