"""Configurations in each cycle: what is desired goes out, what works is confirmed.

Rows come from ``store``, decisions from ``rules``, signatures from ``issue``.
"""

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, Update

from agent.wire.envelope import EnvelopeKind
from agent.wire.topics import split
from fleet.configurations import store
from fleet.configurations.genuine import forged_version
from fleet.configurations.issue import issue_instruction
from fleet.configurations.rules import proves_release, should_confirm
from fleet.configurations.working import brings_release
from fleet.live.memory import Memory

PUBLISH_LIMIT = 500
"""Versions, and instructions, handed to the broker in one cycle; the rest waits for the next."""
Note = Callable[[Update], None]
Publish = Callable[[str, bytes, bool, Callable[[], None]], bool]
"""(topic, payload, retain, done) → whether it was taken."""


def publish_waiting(
    connection: Connection, publish: Publish, done: Note, key: Ed25519PublicKey
) -> Mapping[str, int]:
    """Hand to the broker what it does not have yet; ``done`` gets the statement that notes its arrival.

    Return the versions that are not what ``key`` signed, by EUI: they do not go out.
    """
    forged: dict[str, int] = {}
    for one in store.unpublished(connection, PUBLISH_LIMIT):
        wrong = forged_version(connection, key, split(one.topic)[0]) if one.retain else None
        if wrong is not None:
            forged[wrong.eui] = wrong.version
        else:
            publish(one.topic, one.payload, one.retain, _call(done, one.arrived))
    return forged


def _call(done: Note, arrived: Update) -> Callable[[], None]:
    return lambda: done(arrived)


def confirm_working(connection: Connection, key: Ed25519PrivateKey, memory: Memory, now_us: int) -> int:
    """Confirm each version that was seen working; return how many."""
    confirmed = 0
    for trial in store.trials(connection):
        known = memory.of(trial.eui)
        if should_confirm(trial, known.heartbeat, known.heartbeat_at_us, now_us) and (
            proves_release(known.heartbeat) or not brings_release(connection, trial.eui, trial.version)
        ):
            payload = trial.sha256.encode()
            issue_instruction(
                connection, key, eui=trial.eui, kind=EnvelopeKind.CONFIRMATION, payload=payload, now_us=now_us
            )
            store.mark_confirmed(connection, trial.eui, trial.version, now_us)
            confirmed += 1
    return confirmed
