"""`passerelle bench incidents`: mass outage, timers, killed workers; Alertmanager beside it."""

from passerelle.benches.incidents import alertmanager, kills, storm, timers
from passerelle.figures import Figure


def measure() -> list[Figure]:
    """Return every figure, measured in this run."""
    peer = alertmanager.notifications()
    return [*storm.figures(peer), *timers.figures(), *kills.figures()]
