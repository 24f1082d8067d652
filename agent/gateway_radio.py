"""Data path and concentrator of a real gateway: what ``agent.assembly`` is given outside tests."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.datapath import DataPath
from agent.evidence.observation import DataPathState, Observed
from agent.supervisor.reopening import ReopeningConcentrator
from agent.wire.configuration import Configuration, RadioConfig
from agent.wire.order import WorkOrder
from firmware import store
from hal.open import open_concentrator
from hal.ports import Concentrator


class GatewayRadio:
    """``agent.assembly.DataPathPort`` over the concentrator that the work order names."""

    def __init__(
        self,
        order: WorkOrder,
        configuration: Configuration,
        boot: int,
        observe: Callable[[Observed], None],
        *,
        state: Path,
        clock: Clock,
    ) -> None:
        self._bus = order.bus
        self._radio: RadioConfig = configuration.radio
        self._concentrator = ReopeningConcentrator(self._open)
        self._datapath = DataPath(
            concentrator=self._concentrator,
            configuration=configuration,
            eui=order.eui,
            state_dir=state,
            clock=clock,
            boot=boot,
            observe=observe,
        )

    def _open(self) -> Concentrator:
        images = None if self._bus.startswith("socket:") else store.load()
        radio = self._radio
        return open_concentrator(
            self._bus, radio.board, images=images, plan=radio.region, public=radio.lorawan_public
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        await self._datapath.run()

    def snapshot(self) -> DataPathState:
        """Return the state at this instant."""
        return self._datapath.snapshot()

    async def reconfigure(self, configuration: Configuration) -> None:
        """Apply what changed; the radio is started again only for board, region or sync word."""
        built = _built_in(self._radio) != _built_in(configuration.radio)
        self._radio = configuration.radio
        await self._datapath.reconfigure(configuration)
        if built:
            self._concentrator.restart("the configuration changes board, region or sync word")

    def restart_radio(self, reason: str) -> None:
        """Reset the concentrator and start it again."""
        self._concentrator.restart(reason)

    def on_radio(self, job: Callable[[Concentrator], Any]) -> Future[Any]:
        """Run ``job`` in the radio thread, between two fetches."""
        return self._concentrator.ask(job)


def _built_in(radio: RadioConfig) -> tuple[str, str, bool]:
    return radio.board, radio.region, radio.lorawan_public
