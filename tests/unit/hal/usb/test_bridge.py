"""A concentrator behind the USB microcontroller: same registers, bulk writes, a port that vanishes."""

import pytest

from hal.board_files import choose
from hal.errors import ChipMisbehaved, LineFailed
from hal.open import synthetic_images
from hal.packets import Lora, Transmission
from hal.sx1302.driver import Sx1302
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.local import ChipClock
from hal.twin.lines.usb_mcu import McuFaults, UsbMcu
from hal.units import Hz
from hal.usb.bridge import UsbBridge
from hal.wiring import Wiring
from tests.unit.hal.sx1302.rigs import started


class McuLine:
    """A serial line to the virtual microcontroller; ``cut`` makes it vanish."""

    def __init__(self, chip: VirtualChip) -> None:
        self.mcu = UsbMcu(chip)
        self._waiting = b""
        self.cut = False
        self.commands = 0

    def flush_input(self) -> None:
        self._waiting = b""

    def write(self, data: bytes) -> None:
        if self.cut:
            raise LineFailed("gone", where="line")
        self.commands += 1
        self._waiting += self.mcu.feed(data)

    def read(self, count: int) -> bytes:
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def close(self) -> None:
        self.cut = True


class Silent(McuLine):
    """Never answers."""

    def read(self, count: int) -> bytes:
        return b""


def behind_usb(line_type: type[McuLine] = McuLine) -> tuple[VirtualChip, McuLine, Sx1302]:
    chip = VirtualChip(clock=VirtualClock())
    line = line_type(chip)
    link = UsbBridge(line)
    wiring = Wiring(
        bus=link,
        clock=ChipClock(chip),
        sx1261=link.sx1261,
        reset=link.reset,
        find_thermometer=lambda: link,
    )
    return chip, line, Sx1302(wiring, choose("rak5146-usb").settings, synthetic_images())


def test_the_registers_after_start_are_those_over_spi() -> None:
    over_spi = started(choose("rak5146-usb").settings)
    chip, _, driver = behind_usb()

    driver.start()

    assert list(chip.complaints) == []
    configuration = range(0x5600, 0x5B70)
    ours, theirs = chip.registers(), over_spi.chip.registers()
    assert [hex(at) for at in configuration if ours[at] != theirs[at]] == []
    assert driver.eui == over_spi.driver.eui
    assert driver.temperature_c() == 25.5


def test_a_send_is_one_command_to_the_microcontroller() -> None:
    chip, line, driver = behind_usb()
    driver.start()
    before = line.commands

    driver.transmit(
        Transmission(payload=b"abc", modulation=Lora(sf=7), frequency_hz=Hz(868_100_000), power_dbm=14)
    )

    assert line.commands - before <= 2
    assert list(chip.complaints) == []


def test_a_port_that_vanishes_is_a_failed_line() -> None:
    _, line, driver = behind_usb()
    driver.start()
    line.cut = True

    with pytest.raises(LineFailed, match="gone"):
        driver.receive()


def test_a_microcontroller_that_says_nothing_is_a_failed_line() -> None:
    _, _, driver = behind_usb(Silent)

    with pytest.raises(LineFailed, match="USB bridge: 0 of 4 bytes answered PING in time"):
        driver.start()


def test_an_answer_of_another_command_is_not_taken() -> None:
    chip = VirtualChip(clock=VirtualClock())
    line = McuLine(chip)
    link = UsbBridge(line)
    line._waiting = bytes.fromhex("09001540") + bytes(21)

    with pytest.raises(ChipMisbehaved, match="USB bridge: answered"):
        link.status()


@pytest.mark.parametrize(
    ("faults", "kind", "message"),
    [
        (McuFaults(mute=True), LineFailed, "0 of 4 bytes answered SPI in time"),
        (McuFaults(wrong_id=True), ChipMisbehaved, "answered id"),
        (McuFaults(error_answers=1), ChipMisbehaved, "refused SPI"),
        (McuFaults(cut_answers_to=3), LineFailed, "3 of 4 bytes answered SPI"),
        (McuFaults(cut_answers_to=8), LineFailed, r"4 of \d+ bytes answered SPI"),
        (McuFaults(spi_status=1), ChipMisbehaved, r"status 1 \(failed\)"),
        (McuFaults(spi_status=3), ChipMisbehaved, r"status 3 \(time-out\)"),
    ],
)
def test_each_fault_of_the_microcontroller_is_named_and_survived(
    faults: McuFaults, kind: type[Exception], message: str
) -> None:
    _, line, driver = behind_usb()
    driver.start()
    line.mcu.faults = faults

    with pytest.raises(kind, match=message):
        driver.receive()

    line.mcu.faults = McuFaults()
    assert driver.receive() == []
    assert driver.status().receiving


def test_an_answer_that_comes_late_is_not_taken_for_the_next() -> None:
    _, line, driver = behind_usb()
    driver.start()
    late = Late(line)
    driver.wiring.bus._line = late  # type: ignore[attr-defined]

    with pytest.raises(LineFailed, match="0 of 4 bytes"):
        driver.receive()

    assert driver.receive() == []
    assert driver.counter_us() > 0


class Late:
    """A line whose next answer comes after the limit."""

    def __init__(self, line: McuLine) -> None:
        self._line = line
        self._late = True

    def flush_input(self) -> None:
        self._line.flush_input()

    def write(self, data: bytes) -> None:
        self._line.write(data)

    def read(self, count: int) -> bytes:
        if self._late:
            self._late = False
            return b""
        return self._line.read(count)

    def close(self) -> None:
        self._line.close()
