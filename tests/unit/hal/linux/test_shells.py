"""The Linux shells: what can be known without the hardware is the errors and the order of the pins."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from hal.board_files import Pins
from hal.errors import LineFailed, OurMistake
from hal.linux.buses import I2cBus, SpiBus
from hal.linux.gpio import STEP_US, ResetLines, give_working_folder
from hal.linux.tty import SerialLine
from hal.twin.lines.pseudo_terminal import PseudoTerminal


class Steps:
    """A clock and an ``RPi.GPIO`` that write down what happens."""

    BCM, OUT = "BCM", "OUT"

    def __init__(self, refuse: int | None = None) -> None:
        self.log: list[tuple[object, ...]] = []
        self._refuse = refuse

    def setup(self, pin: int, direction: str, *, initial: int) -> None:
        if pin == self._refuse:
            raise RuntimeError("not allowed")
        self.log.append((pin, direction, initial))

    def sleep(self, seconds: float) -> None:
        self.log.append(("wait", round(seconds * 1e6)))

    def monotonic_us(self) -> int:
        return 0


def test_lines_are_pulsed_as_the_references_script_does() -> None:
    steps = Steps()
    pins = Pins(power_enable=18, sx1302_reset=23, sx1261_reset=22, dac_reset=13)

    ResetLines(pins, steps, steps).reset()

    wait = ("wait", STEP_US)
    assert steps.log == [
        (18, "OUT", 1),
        wait,
        (23, "OUT", 1),
        wait,
        (23, "OUT", 0),
        wait,
        (22, "OUT", 0),
        wait,
        (22, "OUT", 1),
        wait,
        (13, "OUT", 0),
        wait,
        (13, "OUT", 1),
        wait,
    ]


def test_lines_that_a_board_lacks_are_left_alone() -> None:
    steps = Steps()

    ResetLines(Pins(sx1302_reset=17), steps, steps).reset()

    assert [entry for entry in steps.log if entry[0] != "wait"] == [(17, "OUT", 1), (17, "OUT", 0)]


def test_a_line_that_cannot_be_driven_is_named() -> None:
    steps = Steps(refuse=17)

    with pytest.raises(LineFailed, match="sx1302_reset: GPIO 17 cannot be driven: not allowed"):
        ResetLines(Pins(sx1302_reset=17), steps, steps).reset()


@pytest.mark.parametrize("path", ["/dev/spidev", "/dev/spidev0", "/dev/ttyACM0", "/dev/spidevA.B"])
def test_what_is_no_spi_device_is_our_mistake(path: str) -> None:
    with pytest.raises(OurMistake, match=f"{path}: is not /dev/spidevBUS.DEVICE"):
        SpiBus(path)


def test_an_spi_device_that_is_not_there() -> None:
    with pytest.raises((LineFailed, OurMistake), match=r"/dev/spidev97\.3: (cannot be opened|spidev is not)"):
        SpiBus("/dev/spidev97.3")


def test_an_i2c_bus_that_is_not_there() -> None:
    with pytest.raises((LineFailed, OurMistake), match=r"/dev/i2c-97: (cannot be opened|smbus2 is not)"):
        I2cBus("/dev/i2c-97")


def test_a_serial_port_that_is_not_there() -> None:
    with pytest.raises((LineFailed, OurMistake), match=r"/dev/nowhere: (cannot be opened|pyserial is not)"):
        SerialLine("/dev/nowhere")


def test_a_line_with_a_gap_does_not_wait_for_all_that_was_asked() -> None:
    with PseudoTerminal(lambda data: data * 3) as terminal:
        line = SerialLine(terminal.path, limit_s=3600, gap_s=0.05)
        line.write(b"ab")
        assert line.read(512) == b"ababab"
        line.close()


GPIOLESS = """
import os, sys, types
class error(Exception):
    "lgpio's own"
lgpio = types.ModuleType("lgpio")
lgpio.error = error
sys.modules["lgpio"] = lgpio
raise {raised}
"""


@pytest.mark.parametrize(
    "raised",
    ["FileNotFoundError(2, 'no .lgd-nfy0')", "error('can not open gpiochip')", "RuntimeError('no Pi')"],
)
def test_a_library_that_cannot_be_used_is_said_in_words(tmp_path: Path, raised: str) -> None:
    package = tmp_path / "RPi"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "GPIO.py").write_text(GPIOLESS.format(raised=raised))
    program = (
        "from hal.linux.gpio import load\nfrom hal.errors import OurMistake\n"
        "from agent.failures import reason_of\nfrom agent.wire import reasons\n"
        "try:\n    load()\nexcept OurMistake as error:\n    print(reasons.text(reason_of(error), 'fr'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("les lignes de remise à zéro ne peuvent pas être commandées")


def test_lgpio_gets_a_folder_where_the_present_one_takes_no_pipe() -> None:
    for here, before, after in (
        (Path("/nowhere"), {}, {"LG_WD": tempfile.gettempdir()}),
        (Path("/nowhere"), {"LG_WD": "/run/passerelle"}, {"LG_WD": "/run/passerelle"}),
        (Path(tempfile.gettempdir()), {}, {}),
    ):
        environment: dict[str, str] = dict(before)
        give_working_folder(here, environment)
        assert environment == after
