"""`passerelle bench incidents`: mass outage, broker restarts, timers, kills; Alertmanager beside it.

The broker's part mostly waits: it runs as a process of its own while workers are killed and Alertmanager
groups.  The timed parts come after it, alone.
"""

from passerelle.benches.incidents import alertmanager, kills, restarts, storm, timers
from passerelle.figures import Figure


def measure() -> list[Figure]:
    """Return every figure, measured in this run."""
    beside = restarts.begin()
    killed = kills.figures()
    peer = alertmanager.notifications()
    broker = restarts.figures(beside)
    return [*storm.figures(peer), *broker, *timers.figures(), *killed]
