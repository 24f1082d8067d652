"""The data path while the wall clock steps by years: the monotonic clock orders, spaces and ages frames."""

import asyncio
import base64
from pathlib import Path

import pytest

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, Limits
from agent.wire.messages import Delivered, Heard, TimeQuality
from tests.datapath.virtual import UdpServer, VirtualConcentrator, data_up

pytestmark = pytest.mark.anyio
YEARS_US = 10 * 365 * 86_400_000_000
EUI = "0016c001f12a3b4c"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class SteppingClock(SystemClock):
    """This machine's clock, whose wall time the test steps."""

    step_us = 0

    def utc_us(self) -> int:
        return super().utc_us() + self.step_us


class Gateway:
    """One run of the data path in a folder."""

    def __init__(self, path: Path, port: int, boot: int, step_us: int = 0) -> None:
        self.clock = SteppingClock(TimeQuality.NTP)
        self.clock.step_us = step_us
        self.radio = VirtualConcentrator(self.clock)
        self.journal = MemoryJournal(self.clock)
        connector = ConnectorConfig(name="lns", host="127.0.0.1", port=port, contractual=True)
        self.path = DataPath(
            concentrator=self.radio,
            configuration=Configuration(
                connectors=(connector,),
                fleet=FleetConfig(host="127.0.0.1", port=1),
                limits=Limits(spool_age_s=7 * 86_400),
            ),
            eui=EUI,
            state_dir=path,
            clock=self.clock,
            boot=boot,
            journal=self.journal,
        )

    async def __aenter__(self) -> "Gateway":
        self.task = asyncio.create_task(self.path.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def numbers_of(server: UdpServer) -> list[int]:
    """Return the frame counters in the order of arrival."""
    return [int.from_bytes(base64.b64decode(str(frame["data"]))[6:8], "little") for frame in server.frames]


async def test_live_frames_keep_order_and_intervals_through_steps_of_ten_years(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Gateway(tmp_path, server.port, boot=1) as gateway:
        await server.until(lambda: gateway.radio.running and server.gateway)
        counters = []
        for number, step_us in enumerate((0, YEARS_US, 0, -YEARS_US, -2 * YEARS_US, YEARS_US)):
            gateway.clock.step_us = step_us
            counters.append(gateway.radio.inject(data_up(0x26000001, number)))
            await server.until(lambda arrived=number + 1: len(server.frames) >= arrived)
        assert numbers_of(server) == list(range(6))
        assert [frame["tmst"] for frame in server.frames] == [counter % (1 << 32) for counter in counters]
        await server.until(lambda: gateway.path.snapshot().delivered == 6)
        state = gateway.path.snapshot()
        assert (state.dropped, state.spool_records) == ({}, 0)
        assert state.radio.name == "RECEIVING"
    server.transport.close()


@pytest.mark.parametrize("years_us", [YEARS_US, -YEARS_US])
async def test_stored_frames_keep_their_order_and_none_is_too_old(tmp_path: Path, years_us: int) -> None:
    server = await UdpServer().listen()
    server.answering = False
    async with Gateway(tmp_path, server.port, boot=1) as gateway:
        await server.until(lambda: gateway.radio.running)
        for number in range(3):
            gateway.radio.inject(data_up(0x26000001, number))
            await server.until(lambda heard=number + 1: gateway.path.snapshot().received == heard)
            gateway.clock.step_us += years_us
    server.frames.clear()
    server.answering = True
    async with Gateway(tmp_path, server.port, boot=2, step_us=-5 * years_us) as gateway:
        await server.until(lambda: gateway.path.snapshot().delivered == 3)
        assert numbers_of(server) == [0, 1, 2]
        assert gateway.path.snapshot().dropped == {}
    server.transport.close()


async def test_what_is_heard_while_the_spool_is_opened_waits_for_it(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    gateway = Gateway(tmp_path, server.port, boot=1)
    opened, whole = asyncio.Event(), gateway.path._switchboard.open

    async def late() -> None:
        await opened.wait()
        await whole()

    gateway.path._switchboard.open = late  # type: ignore[method-assign]
    async with gateway:
        await server.until(lambda: gateway.radio.running)
        counters = [gateway.radio.inject(data_up(0x26000001, number)) for number in range(3)]
        await server.until(lambda: gateway.path._early)
        assert gateway.path.snapshot().received == 0
        opened.set()
        await server.until(lambda: gateway.path.snapshot().delivered == 3)
        assert numbers_of(server) == [0, 1, 2]
        assert [frame["tmst"] for frame in server.frames] == [counter % (1 << 32) for counter in counters]
    server.transport.close()


async def test_days_that_a_wrong_clock_began_are_told_once_and_none_twice(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Gateway(tmp_path, server.port, boot=1) as gateway:
        await server.until(lambda: gateway.radio.running and server.gateway)
        for number, step_us in enumerate((0, YEARS_US, 0)):
            gateway.clock.step_us = step_us
            gateway.radio.inject(data_up(0x26000001, number))
            await server.until(lambda arrived=number + 1: len(server.frames) >= arrived)
        sketches = [event for event in gateway.journal.entries if isinstance(event, Heard)]
        assert len({(sketch.day, sketch.address) for sketch in sketches}) == len(sketches)
        assert not [
            event for event in gateway.journal.entries if isinstance(event, Delivered) and event.frames > 3
        ]
    server.transport.close()
