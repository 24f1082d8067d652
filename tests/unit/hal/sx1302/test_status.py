"""Silent failures are found: a counter that stands still, a version that is gone, unknown chips."""

import pytest

from hal.sx1302.identity import Identity
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
    ("fixed", "fault"),
    [
        ({0x6101: bytes.fromhex("0000000000123456")}, "the counter stands still"),
        ({0x5606: b"\x00"}, "version register reads 0x00"),
        ({0x5780: b"\x11\x00"}, "parity error of the AGC program"),
        ({0x6080: b"\x21"}, "parity error of the ARB program"),
        ({0x5780: b"\x10\x14"}, "AGC stuck with status 0x14"),
    ],
)
def test_each_fault_has_its_reason(fixed: dict[int, bytes], fault: str) -> None:
    made = started()
    made.driver.registers.bus = Answers(made, fixed)
    made.driver.receive()
    made.clock.sleep(31)
    made.driver.receive()

    status = made.driver.status()

    assert status.fault == fault
    assert not status.receiving


def test_an_unknown_version_is_a_warning() -> None:
    made = rig()
    made.driver.registers.bus = Answers(made, {0x5606: b"\x0c"})

    made.driver.start()

    assert made.driver.warnings == ["unknown chip version 0x0c: a noisy bus, or a newer chip"]


@pytest.mark.parametrize(("model", "name"), [(0, "SX1302"), (2, "SX1302"), (3, "SX1303"), (9, "model 0x09")])
def test_models(model: int, name: str) -> None:
    assert Identity(version=0x10, model=model, eui="").model_name == name
