"""Data path, concentrator and GNSS receiver of a real gateway: what ``agent.assembly`` gets outside tests.

Listen before talk (``radio.lbt``) comes on top of duty cycles, never in their place: EN 300 220 asks for one
of them, and the ledger of air time goes on counting.

Sources: hal/settings.py (``Sx1261Settings``, ``FineTimestampMode``); fine timestamps are the SX1303's.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.clock import Clock
from agent.connectors.plan_owner import PlanOwner
from agent.connectors.ports import Outcome
from agent.datapath import DataPath
from agent.downlink.antenna import lbt_rules
from agent.downlink.model import Downlink, DownlinkVerdict
from agent.evidence.ears import ReceivedTestFrame
from agent.gnss.receiver import GnssState, GnssTime
from agent.journal_port import JournalPort
from agent.observation import DataPathState, Position
from agent.radio.reopening import ReopeningConcentrator
from agent.wire import reasons
from agent.wire.configuration import Configuration, LbtConfig, RadioConfig
from agent.wire.neighbours import NeighbourDeliveries
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason
from firmware import store
from hal.board_files import choose, with_extras
from hal.errors import OurMistake
from hal.linux.tty import SerialLine
from hal.open import open_concentrator
from hal.ports import Concentrator
from hal.settings import FineTimestampMode, Settings, Sx1261Settings

GNSS_BAUD = 9600
"""What u-blox receivers of the M8 generation speak after power-up (UBX-13003221 §3)."""
GNSS_GAP_S = 0.05
"""So late at the most is a message stamped behind its last byte."""


class GatewayRadio:
    """``agent.assembly.DataPathPort`` over the concentrator that the work order names."""

    def __init__(
        self,
        order: WorkOrder,
        configuration: Configuration,
        boot: int,
        journal: JournalPort,
        *,
        state: Path,
        clock: Clock,
    ) -> None:
        self._bus, self._clock = order.bus, clock
        self._radio: RadioConfig = configuration.radio
        self._concentrator = ReopeningConcentrator(self._open)
        self._plans = PlanOwner(state, configuration, restart=self.restart_radio)
        self._gnss: GnssTime | None = None
        self._datapath = DataPath(
            concentrator=self._concentrator,
            configuration=configuration,
            eui=order.eui,
            state_dir=state,
            clock=clock,
            boot=boot,
            journal=journal,
            plans=self._plans,
            position=self._position,
        )

    def _open(self) -> Concentrator:
        images = None if self._bus.startswith("socket:") else store.load()
        radio = self._radio
        return open_concentrator(
            self._bus,
            radio.board,
            images=images,
            settings=settings_of(radio, self._plans.settings()),
            plan=radio.region,
            public=radio.lorawan_public,
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        self._gnss = self._follow_gnss()
        try:
            await self._datapath.run()
        finally:
            await asyncio.shield(self._leave_gnss())

    def _follow_gnss(self) -> GnssTime | None:
        device = self._radio.gnss_device
        if not device:
            return None
        gnss = GnssTime(
            open_line=lambda: SerialLine(device, baud=GNSS_BAUD, gap_s=GNSS_GAP_S),
            clock=self._clock,
            on_radio=self._concentrator.ask,
        )
        gnss.start()
        return gnss

    async def _leave_gnss(self) -> None:
        gnss, self._gnss = self._gnss, None
        if gnss is not None:
            await asyncio.to_thread(gnss.stop)

    def gnss(self) -> GnssState | None:
        """Return what the GNSS receiver says; None where none is configured."""
        return self._gnss.state() if self._gnss is not None else None

    def _position(self) -> Position | None:
        state = self.gnss()
        return None if state is None else state.position()

    def snapshot(self) -> DataPathState:
        """Return the state at this instant."""
        return self._datapath.snapshot()

    async def reconfigure(self, configuration: Configuration) -> None:
        """Apply what changed; the radio is started again only for what is built into it."""
        built = _built_in(self._radio) != _built_in(configuration.radio)
        moved = self._radio.gnss_device != configuration.radio.gnss_device
        self._radio = configuration.radio
        await self._datapath.reconfigure(configuration)
        if moved:
            await self._leave_gnss()
            self._gnss = self._follow_gnss()
        if built:
            self._concentrator.restart(reasons.radio.rebuilt())

    def restart_radio(self, why: Reason) -> None:
        """Reset the concentrator and start it again."""
        self._concentrator.restart(why)

    def neighbours_delivered(self, word: NeighbourDeliveries) -> None:
        """Take in what servers have through neighbours."""
        self._datapath.neighbours_delivered(word)

    def slow_backlog(self, slow: bool) -> None:
        """Let stored frames leave at one a second and connector, or as configured again."""
        self._datapath.slow_backlog(slow)

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict:
        """Judge a transmission of our own like any downlink."""
        return self._datapath.submit(downlink, outcome)

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]:
        """Return the test frames of ``nonce`` that are heard within ``limit_s``."""
        return await self._datapath.listen(nonce, limit_s)

    def noise_measured(self, frequency_hz: int, floor_dbm: float) -> None:
        """Take in what an SX1261 measured on one frequency."""
        self._datapath.noise_measured(frequency_hz, floor_dbm)

    def on_radio(self, job: Callable[[Concentrator], Any]) -> Future[Any]:
        """Run ``job`` in the radio thread, between two fetches."""
        return self._concentrator.ask(job)


def _built_in(radio: RadioConfig) -> tuple[str, str, bool, bool, str, LbtConfig]:
    return (
        radio.board,
        radio.region,
        radio.lorawan_public,
        radio.sx1261,
        radio.fine_timestamp,
        radio.lbt,
    )


def settings_of(radio: RadioConfig, base: Settings) -> Settings:
    """Return ``base`` with the listening radio and fine timestamps that the configuration asks for.

    Raises:
        OurMistake: the board has no SX1261.
    """
    sx1261 = base.sx1261
    if radio.sx1261:
        board = choose(radio.board, plan=radio.region).board
        if board.sx1261 is None:
            raise OurMistake(f"{radio.board} has no SX1261", where="radio.sx1261")
        sx1261 = replace(
            sx1261 or Sx1261Settings(), rssi_offset_db=board.sx1261_rssi_offset_db, lbt=lbt_rules(radio)
        )
    fine = FineTimestampMode(radio.fine_timestamp) if radio.fine_timestamp else base.fine_timestamp
    return with_extras(base, sx1261=sx1261, fine_timestamp=fine)
