"""Configurations in each cycle: what is desired goes out, what waits is permitted, what works is confirmed.

Rows come from ``store``, decisions from ``rules``, signatures from ``issue``.
"""

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Update

from agent.wire.envelope import EnvelopeKind
from fleet.configurations import store
from fleet.configurations.issue import issue_instruction
from fleet.configurations.rules import PERMIT_LIFE_US, decide_permits, should_confirm
from fleet.live.memory import Memory
from fleet.live.model import NetworkNow

PUBLISH_LIMIT = 500
"""Versions, and instructions, handed to the broker in one cycle; the rest waits for the next."""
Note = Callable[[Update], None]
Publish = Callable[[str, bytes, bool, Callable[[], None]], bool]
"""(topic, payload, retain, done) → whether it was taken."""


def publish_waiting(connection: Connection, publish: Publish, done: Note) -> int:
    """Hand to the broker what it does not have yet; ``done`` gets the statement that notes its arrival."""
    return sum(
        publish(one.topic, one.payload, one.retain, _call(done, one.arrived))
        for one in store.unpublished(connection, PUBLISH_LIMIT)
    )


def _call(done: Note, arrived: Update) -> Callable[[], None]:
    return lambda: done(arrived)


def grant_permits(
    connection: Connection, key: Ed25519PrivateKey, network: NetworkNow, now_us: int
) -> dict[str, str]:
    """Permit each waiting change that harms nobody now; return why each of the others waits on."""
    waiting = store.waiting_changes(connection)
    if not waiting:
        return {}
    decided = decide_permits(waiting, store.permitted_at_us(connection), network, now_us)
    for change in decided.granted:
        issue_instruction(
            connection,
            key,
            eui=change.eui,
            kind=EnvelopeKind.PERMIT,
            payload=change.sha256.encode(),
            now_us=now_us,
            life_us=PERMIT_LIFE_US,
        )
    return dict(decided.refused)


def confirm_working(connection: Connection, key: Ed25519PrivateKey, memory: Memory, now_us: int) -> int:
    """Confirm each version that was seen working; return how many."""
    confirmed = 0
    for trial in store.trials(connection):
        known = memory.of(trial.eui)
        if should_confirm(trial, known.heartbeat, known.heartbeat_at_us, now_us):
            payload = trial.sha256.encode()
            issue_instruction(
                connection, key, eui=trial.eui, kind=EnvelopeKind.CONFIRMATION, payload=payload, now_us=now_us
            )
            store.mark_confirmed(connection, trial.eui, trial.version, now_us)
            confirmed += 1
    return confirmed
