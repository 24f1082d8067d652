"""The agent's data path: radio thread, spool, connectors and downlinks behind one object.

Interface first; see ``agent/evidence/observation.py`` for what it tells.
"""

from collections.abc import Callable
from pathlib import Path

from agent.clock import Clock
from agent.evidence.observation import ConnectorState, DataPathState, Observation, Observed
from agent.wire.configuration import Configuration
from hal.ports import Concentrator

__all__ = ["ConnectorState", "DataPath", "DataPathState", "Observation", "Observed"]


class DataPath:
    """Owns the concentrator from ``run`` until it is cancelled."""

    def __init__(
        self,
        *,
        concentrator: Concentrator,
        configuration: Configuration,
        eui: str,
        state_dir: Path,
        clock: Clock,
        boot: int,
        observe: Callable[[Observed], None],
    ) -> None: ...

    async def run(self) -> None:
        """Receive, store, deliver and transmit until cancelled; never raises for a peer's fault."""
        raise NotImplementedError

    def snapshot(self) -> DataPathState:
        """Return the state at this instant."""
        raise NotImplementedError

    async def reconfigure(self, configuration: Configuration) -> None:
        """Apply what changed, and only that."""
        raise NotImplementedError
