"""One suite for every way to reach a concentrator: straight, over a socket, over the USB bridge."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hal.bus import spi_frames
from hal.linux.tty import SerialLine
from hal.ports import Bus
from hal.twin.chip import VirtualChip
from hal.twin.lines.client import SocketBus
from hal.twin.lines.local import LocalBus
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.server import TwinServer
from hal.twin.lines.usb_mcu import UsbMcu
from hal.usb.bridge import UsbBridge


def straight() -> Iterator[Bus]:
    yield LocalBus(VirtualChip())


def over_socket() -> Iterator[Bus]:
    with tempfile.TemporaryDirectory() as folder, TwinServer(VirtualChip(), Path(folder) / "chip") as server:
        bus = SocketBus(server.path)
        yield bus
        bus.close()


def over_usb() -> Iterator[Bus]:
    with PseudoTerminal(UsbMcu(VirtualChip()).feed) as terminal:
        bridge = UsbBridge(SerialLine(terminal.path))
        bridge.reset()
        yield bridge
        bridge.close()


@pytest.fixture(params=[straight, over_socket, over_usb], ids=lambda maker: maker.__name__)
def bus(request: pytest.FixtureRequest) -> Iterator[Bus]:
    maker: Callable[[], Iterator[Bus]] = request.param
    yield from maker()


def test_it_is_a_bus(bus: Bus) -> None:
    assert isinstance(bus, Bus)


@pytest.mark.parametrize("count", [1, 2, 8, 1024])
def test_as_many_bytes_come_back(bus: Bus, count: int) -> None:
    assert len(bus.transfer(spi_frames.read(0x5800, count))) == 4 + count


def test_the_version_register_reads(bus: Bus) -> None:
    assert spi_frames.read_answer(bus.transfer(spi_frames.read(0x5606, 1))) == b"\x10"


def test_what_is_written_is_read_back(bus: Bus) -> None:
    data = bytes(range(8))

    bus.transfer(spi_frames.write(0x5B5D, data))

    assert spi_frames.read_answer(bus.transfer(spi_frames.read(0x5B5D, 8))) == data


def test_a_burst_goes_up_and_the_fifo_does_not(bus: Bus) -> None:
    bus.transfer(spi_frames.write(0x5247, b"\x01\x02\x03"))

    assert spi_frames.read_answer(bus.transfer(spi_frames.read(0x5248, 1))) == b"\x02"
    assert spi_frames.read_answer(bus.transfer(spi_frames.read(0x58C8, 2))) == b"\x00\x00"
