"""`passerelle bench incidents`: mass outage, broker restarts, timers, kills; Alertmanager beside it."""

from passerelle.benches.incidents import alertmanager, kills, restarts, storm, timers
from passerelle.figures import Figure


def measure() -> list[Figure]:
    """Return every figure, measured in this run."""
    peer = alertmanager.notifications()
    return [*storm.figures(peer), *restarts.figures(), *timers.figures(), *kills.figures()]
