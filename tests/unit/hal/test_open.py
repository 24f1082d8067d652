"""A bus's and a board's name to a concentrator: over a socket in full, the others up to their device."""

import re
import tempfile
from importlib.resources import files
from pathlib import Path

import pytest

from hal.errors import HalError, LineFailed, OurMistake
from hal.open import open_concentrator, split_bus, synthetic_images
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.server import TwinServer


class InstantClock:
    """Sleeps take no time here; the virtual chip is told of them."""

    def __init__(self) -> None:
        self.now_us = 0

    def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)

    def monotonic_us(self) -> int:
        return self.now_us


def test_a_virtual_chip_in_virtual_time_starts_in_no_time() -> None:
    chip = VirtualChip(clock=VirtualClock(), eui="0016c001f1000007")
    with tempfile.TemporaryDirectory() as folder, TwinServer(chip, Path(folder) / "chip") as server:
        concentrator = open_concentrator(f"socket:{server.path}", "rak2287", clock=InstantClock())
        concentrator.start()

        assert concentrator.eui == "0016c001f1000007"
        assert concentrator.receive() == []
        assert chip.receiving
        concentrator.stop()


def test_a_start_resets_a_chip_that_was_running() -> None:
    chip = VirtualChip(clock=VirtualClock())
    with tempfile.TemporaryDirectory() as folder, TwinServer(chip, Path(folder) / "chip") as server:
        for _ in range(2):
            concentrator = open_concentrator(f"socket:{server.path}", "corecell", clock=InstantClock())
            concentrator.start()
            assert concentrator.warnings == []
            concentrator.stop()

    assert chip.resets >= 2


def test_a_private_network_and_a_board_file(tmp_path: Path) -> None:
    path = tmp_path / "board.toml"
    path.write_text(files("hal.boards").joinpath("wm1302.toml").read_text())
    chip = VirtualChip(clock=VirtualClock())
    with TwinServer(chip, tmp_path / "chip") as server:
        concentrator = open_concentrator(f"socket:{server.path}", str(path), public=False)
        assert not concentrator.settings.public
        concentrator.stop()


@pytest.mark.parametrize("bus", ["", "spi", "spi:", "i2c:/dev/i2c-1", "/dev/spidev0.0"])
def test_what_is_no_bus(bus: str) -> None:
    with pytest.raises(OurMistake, match="is not spi:DEVICE, usb:DEVICE or socket:PATH"):
        split_bus(bus)


def test_a_real_board_needs_images() -> None:
    with pytest.raises(OurMistake, match="images: no firmware images; run `passerelle firmware import PATH`"):
        open_concentrator("spi:/dev/spidev0.0", "rak2287")


@pytest.mark.parametrize("bus", ["spi:/dev/spidev97.3", "usb:/dev/nowhere"])
def test_a_device_that_is_not_there_is_named(bus: str) -> None:
    with pytest.raises(HalError, match=re.escape(bus.partition(":")[2])):
        open_concentrator(bus, "rak2287", images=synthetic_images())


def test_no_virtual_chip_there() -> None:
    with pytest.raises(LineFailed, match="socket:/nowhere/chip: no virtual chip answers"):
        open_concentrator("socket:/nowhere/chip", "rak2287")
