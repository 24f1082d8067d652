"""Timers that are due, by kind; inside the engine's transaction."""

from fleet.incidents import paging
from fleet.incidents.scene import Scene
from fleet.tickets import timers

WORKER = "engine"


def fire_due(scene: Scene) -> None:
    """Claim what is due, fire it, and mark it done in the same transaction."""
    due = timers.claim(scene.connection, worker=WORKER, now_us=scene.now_us)
    timers.done(scene.connection, [timer.id for timer in due], scene.now_us)
    pages = [timer for timer in due if timer.kind == paging.PAGE]
    if pages:
        paging.fire(scene, pages)
