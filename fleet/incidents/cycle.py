"""One second of incidents, inside the engine's transaction: load, decide, write, fire timers.

``run(connection, network, now_us)`` is all that the engine calls.
"""

from sqlalchemy import Connection

from fleet.incidents import apply, firing, rules, store
from fleet.incidents.model import Facts
from fleet.incidents.scene import Scene
from fleet.live.model import NetworkNow


def run(connection: Connection, network: NetworkNow, now_us: int) -> None:
    """Bring incidents, tickets, timers and the outbox to ``now_us``; commit is the caller's."""
    scene = Scene(connection, network, now_us)
    facts = Facts(network=network, incidents=store.load(connection, now_us))
    for action in rules.decide(facts, now_us):
        apply.apply(scene, action)
    firing.fire_due(scene)
