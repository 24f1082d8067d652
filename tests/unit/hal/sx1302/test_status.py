"""Silent failures are found: a counter that stands still, a version that is gone, unknown chips."""

from dataclasses import replace

import pytest

from hal.sx1302.identity import Identity, Vitals, fault
from hal.twin.chip import VirtualChip
from tests.unit.hal.sx1302.rigs import Rig, rig, started


class Answers:
    """A bus that answers some reads with fixed bytes."""

    def __init__(self, made: Rig, fixed: dict[int, bytes]) -> None:
        self._chip: VirtualChip = made.chip
        self._fixed = fixed

    def transfer(self, mosi: bytes) -> bytes:
        miso = self._chip.transfer(mosi)
        address = mosi[1] << 8 | mosi[2]
        if mosi[0] == 0 and address in self._fixed:
            return miso[:4] + self._fixed[address][: len(mosi) - 4]
        return miso

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("fixed", "reason"),
    [
        ({0x6101: bytes.fromhex("0000000000123456")}, "the counter stands still"),
        ({0x5605: b"\x0f\x00"}, "version register reads 0x00"),
        ({0x5605: b"\x0b\x10"}, "the chip lost its configuration (enables read 0x0b): reset or power dip"),
        ({0x5780: b"\x11\x00"}, "parity error of the AGC program"),
        ({0x6080: b"\x21"}, "parity error of the ARB program"),
        ({0x5780: b"\x10\x14"}, "AGC stuck with status 0x14"),
    ],
)
def test_each_fault_has_its_reason(fixed: dict[int, bytes], reason: str) -> None:
    made = started()
    made.driver.registers.bus = Answers(made, fixed)
    made.driver.receive()
    made.clock.sleep(31)
    made.driver.receive()

    status = made.driver.status()

    assert str(status.fault) == reason
    assert not status.receiving


def test_a_chip_that_was_reset_behind_our_back_is_found() -> None:
    made = started()
    made.chip.reset(0)

    status = made.driver.status()

    assert str(status.fault) == "the chip lost its configuration (enables read 0x00): reset or power dip"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"version": 0xFF, "enables": 0xFF}, "version register reads 0xff"),
        ({"enables": 0x07, "agc_control": 1}, "the chip lost its configuration"),
        ({"agc_control": 0x11, "arb_control": 0x21}, "parity error of the AGC program"),
        ({"arb_control": 0x21, "agc_status": 0x14}, "parity error of the ARB program"),
        ({"agc_status": 0x14, "counter_moves": False}, "AGC stuck"),
        ({"counter_moves": False}, "the counter stands still"),
    ],
)
def test_the_most_fundamental_reason_comes_first(changes: dict[str, int], reason: str) -> None:
    healthy = Vitals(
        enables=0x0F, version=0x10, agc_control=0x10, agc_status=0, arb_control=0x20, counter_moves=True
    )

    assert str(fault(replace(healthy, **changes)) or "").startswith(reason)
    assert bool(fault(replace(healthy, **changes))) == bool(reason)


def test_an_unknown_version_is_a_warning() -> None:
    made = rig()
    made.driver.registers.bus = Answers(made, {0x5606: b"\x0c"})

    made.driver.start()

    assert made.driver.warnings == ["unknown chip version 0x0c: a noisy bus, or a newer chip"]


@pytest.mark.parametrize(("model", "name"), [(0, "SX1302"), (2, "SX1302"), (3, "SX1303"), (9, "model 0x09")])
def test_models(model: int, name: str) -> None:
    assert Identity(version=0x10, model=model, eui="").model_name == name
