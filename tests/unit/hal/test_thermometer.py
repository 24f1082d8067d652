"""The temperature sensor: found where it is, none where there is none."""

import pytest

from hal import thermometer
from hal.twin.chip import VirtualChip
from hal.twin.lines.local import LocalBus
from hal.twin.parts.thermometer import Thermometer


@pytest.mark.parametrize("address", [0x39, 0x3B, 0x38])
@pytest.mark.parametrize("celsius", [25.5, -12.25, 0.0, 85.0, -0.0625])
def test_a_sensor_at_each_address(address: int, celsius: float) -> None:
    bus = LocalBus(VirtualChip(thermometer=Thermometer(address=address, temperature_c=celsius)))

    found = thermometer.find(bus)

    assert found is not None
    assert found.address == address
    assert found.celsius() == celsius


def test_no_sensor() -> None:
    chip = VirtualChip()
    chip.thermometer.missing = True

    assert thermometer.find(LocalBus(chip)) is None


def test_another_chip_at_the_address_is_not_taken_for_it() -> None:
    class Foreign:
        def write(self, address: int, data: bytes) -> bool:
            return True

        def read(self, address: int, count: int) -> bytes | None:
            return b"\x42" * count

    assert thermometer.find(Foreign()) is None


@pytest.mark.parametrize("refused", [0x03, 0x04])
def test_a_sensor_that_takes_no_configuration_is_none(refused: int) -> None:
    class Stubborn(Thermometer):
        def write(self, address: int, data: bytes) -> bool:
            return not (len(data) > 1 and data[0] == refused) and super().write(address, data)

    assert thermometer.find(LocalBus(VirtualChip(thermometer=Stubborn()))) is None
    assert {thermometer.CONFIGURATION, thermometer.RATE} == {0x03, 0x04}


def test_a_sensor_that_stops_answering_gives_none() -> None:
    chip = VirtualChip()
    found = thermometer.find(LocalBus(chip))
    chip.thermometer.missing = True

    assert found is not None
    assert found.celsius() is None
