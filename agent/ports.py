"""What the control path asks of the data path: ``agent.gateway_radio``, or a virtual one in tests."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

from agent.connectors.ports import Outcome
from agent.downlink.model import Downlink, DownlinkVerdict
from agent.evidence.ears import ReceivedTestFrame
from agent.gnss.receiver import GnssState
from agent.journal_port import JournalPort
from agent.observation import DataPathState
from agent.wire.configuration import Configuration
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason
from hal.ports import Concentrator


class DataPathPort(Protocol):
    """What the control path asks of the data path; ``agent.gateway_radio`` on a gateway."""

    async def run(self) -> None: ...

    def snapshot(self) -> DataPathState: ...

    async def reconfigure(self, configuration: Configuration) -> None: ...

    def gnss(self) -> GnssState | None: ...

    def restart_radio(self, why: Reason) -> None: ...

    def slow_backlog(self, slow: bool) -> None: ...

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None: ...

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict: ...

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]: ...

    def noise_measured(self, frequency_hz: int, floor_dbm: float) -> None: ...

    def on_radio(self, job: Callable[[Concentrator], Any]) -> "Future[Any]": ...


class MakeDataPath(Protocol):
    """Builds the data path once the settings are known."""

    def __call__(
        self, order: WorkOrder, configuration: Configuration, boot: int, journal: JournalPort
    ) -> DataPathPort: ...
