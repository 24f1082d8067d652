"""A gateway with a wrong clock sends its class B beacon on the GPS instant, by its GNSS receiver."""

import asyncio
import os
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.downlink.beacon import DELAY_US, PERIOD_US
from agent.gateway_radio import GatewayRadio
from agent.journal_port import MemoryJournal
from agent.timing.utc import GPS_EPOCH_UNIX_US, LEAP_SECONDS
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.messages import TimeQuality
from agent.wire.order import WorkOrder
from hal.packets import TxTrigger
from hal.twin.chip import VirtualChip
from hal.twin.emission import Emission
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import GnssReceiver
from hal.twin.lines.server import TwinServer

pytestmark = [pytest.mark.anyio, pytest.mark.e2e, pytest.mark.slow]
EUI = "0016c001f12a3b4c"
SECOND_US = 1_000_000
TO_BEACON_S = 10
"""From the start of the agent until the beacon is due: start of the radio, first fix, first pulse."""
PATIENCE_S = 2 * PERIOD_US / SECOND_US
"""A busy machine may start too late for the first beacon; then the next counts."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def gps_now_s(ahead_s: int = 0) -> int:
    return time.time_ns() // 1_000_000_000 + ahead_s - GPS_EPOCH_UNIX_US // SECOND_US + LEAP_SECONDS


def seconds_to_beacon() -> int:
    return -gps_now_s() % (PERIOD_US // SECOND_US)


def order(socket: Path, gnss: str) -> tuple[WorkOrder, Configuration]:
    configuration = Configuration(
        radio=RadioConfig(class_b_beacon=True, gnss_device=gnss),
        connectors=(ConnectorConfig(name="lns", host="127.0.0.1", port=9, contractual=True),),
        fleet=FleetConfig(host="127.0.0.1", port=9),
    )
    work_order = WorkOrder(
        eui=EUI,
        site="mât d’essai",
        enrol_url="http://127.0.0.1:9",
        token="",
        valid_until_us=0,
        fleet_ca_pem="",
        fleet_public_key="",
        configuration=b"",
        bus=f"socket:{socket}",
    )
    return work_order, configuration


async def test_the_beacon_leaves_on_the_gps_instant(tmp_path: Path) -> None:
    loop, emitted = asyncio.get_running_loop(), asyncio.Queue[Emission]()
    socket = tmp_path / "chip"
    chip = VirtualChip(on_emission=lambda emission: loop.call_soon_threadsafe(emitted.put_nowait, emission))
    ahead_s = seconds_to_beacon() - TO_BEACON_S
    with ExitStack() as served:
        served.enter_context(TwinServer(chip, socket))
        line = served.enter_context(GnssLine(chip, GnssReceiver(), ahead_s=ahead_s))
        clock = SystemClock()
        journal = MemoryJournal(clock)
        gateway = GatewayRadio(
            *order(socket, os.fspath(line.path)), 1, journal, state=tmp_path / "state", clock=clock
        )
        serving = asyncio.create_task(gateway.run())
        try:
            beacon = await asyncio.wait_for(emitted.get(), PATIENCE_S)
            state = gateway.gnss()
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
    assert state is not None
    assert state.pps
    assert clock.quality() is TimeQuality.GNSS
    assert abs(clock.utc_us() // SECOND_US - time.time_ns() // 1_000_000_000 - ahead_s) <= 1
    assert beacon.trigger is TxTrigger.ON_GPS
    pulse_ticks = chip.pps.last(beacon.started_at_ticks)
    assert abs((beacon.rf_started_at_ticks - pulse_ticks) / 32 - DELAY_US) <= 1
    assert int.from_bytes(beacon.payload[2:6], "little") % (PERIOD_US // SECOND_US) == 0
    assert not beacon.with_crc
    assert not beacon.inverted
    assert beacon.implicit_header
