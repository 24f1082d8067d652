"""Start-up: what it costs, and how each thing that can be broken is named."""

import re
from dataclasses import replace

import pytest

from hal.board_files import choose
from hal.errors import ChipMisbehaved, HalError, LineFailed, OurMistake
from hal.open import synthetic_images
from hal.settings import FineTimestampMode, Sx1261Settings
from hal.sx1302 import boot
from hal.tools.selftest import STEP_LABELS
from hal.twin.faults import Mcu
from tests.unit.hal.sx1302.rigs import rig, started

SETTINGS = choose("rak2287").settings


def test_a_start_leaves_a_chip_that_hears_and_complains_of_nothing() -> None:
    made = started()

    assert made.chip.receiving
    assert list(made.chip.complaints) == []
    assert made.driver.eui == "0016c001f12a3b4c"
    assert made.driver.version == 0x10
    assert made.driver.warnings == []


def test_half_the_traffic_and_half_the_sleep_of_the_reference() -> None:
    made = started()

    assert made.cost() <= 340
    assert made.clock.slept_ns <= 1_300_000_000


def test_a_second_start_does_everything_again() -> None:
    made = started()
    first = made.cost()
    made.chip.reset(0)

    made.driver.start()

    assert made.cost() - first == first
    assert made.driver.counts["starts"] == 2
    assert made.driver.warnings == []


def test_a_start_without_a_reset_works_and_says_so() -> None:
    made = started()

    made.driver.start()

    assert made.chip.receiving
    assert made.driver.warnings == ["the chip was not reset: is its reset line wired and named right?"]
    assert list(made.chip.complaints) == []


@pytest.mark.parametrize(("value", "shown"), [(0x00, "0x00"), (0xFF, "0xff")])
def test_a_dead_bus_is_a_failed_line_at_the_first_read(value: int, shown: str) -> None:
    made = rig()
    made.chip.faults.dead_bus = value

    with pytest.raises(LineFailed, match=f"0x5606 COMMON_VERSION_VERSION: version reads {shown}"):
        made.driver.start()
    assert made.cost() == 1


@pytest.mark.parametrize(
    ("mcu", "where"), [(Mcu.AGC, "AGC handshake, start"), (Mcu.ARB, "ARB handshake, start")]
)
def test_a_microcontroller_that_never_answers_is_named_and_not_waited_for(mcu: Mcu, where: str) -> None:
    made = rig()
    made.chip.faults.silent_mcus = {mcu}
    before_ns = made.clock.slept_ns

    with pytest.raises(ChipMisbehaved, match=f"{where}: no answer within 1000 ms"):
        made.driver.start()
    assert made.clock.slept_ns - before_ns < 3_000_000_000


@pytest.mark.parametrize("radio", [0, 1])
def test_a_failed_image_calibration_names_the_radio(radio: int) -> None:
    made = rig()
    made.chip.faults.radio_calibration_fails = {radio}

    with pytest.raises(ChipMisbehaved, match=f"SX1250 of radio {radio}: image calibration failed"):
        made.driver.start()


def test_bad_solder_shows_in_the_firmwares_read_back() -> None:
    made = rig()
    made.chip.faults.spi_bit_error_every_bytes = 4000

    with pytest.raises(HalError):
        made.driver.start()


def test_a_missing_sensor_is_a_warning() -> None:
    made = rig()
    made.chip.thermometer.missing = True

    made.driver.start()

    assert made.driver.temperature_c() is None
    assert made.driver.warnings == ["no temperature sensor: RSSI is not compensated for temperature"]


def test_fine_timestamps_need_an_sx1303() -> None:
    settings = replace(SETTINGS, fine_timestamp=FineTimestampMode.ALL_SF)

    started(settings, model=3)
    with pytest.raises(OurMistake, match="fine_timestamp: needs an SX1303, the chip is 0x02"):
        rig(settings).driver.start()


def test_an_sx1261_that_is_used_needs_its_patch() -> None:
    images = replace(synthetic_images(), sx1261=None)
    made = rig(replace(SETTINGS, sx1261=Sx1261Settings()), images=images)

    with pytest.raises(OurMistake, match="SX1261: no SX1261 patch"):
        made.driver.start()


def test_a_wrong_firmware_version_is_named() -> None:
    made = rig(images=replace(synthetic_images(), agc_version=6))

    with pytest.raises(ChipMisbehaved, match=re.escape("version [10], must be [6]")):
        made.driver.start()


def test_a_failed_start_says_at_which_step() -> None:
    made = rig()
    made.chip.faults.silent_mcus = {Mcu.ARB}

    with pytest.raises(ChipMisbehaved) as caught:
        made.driver.start()
    assert caught.value.__notes__ == ["start-up step: start ARB"]
    assert not made.driver.started


def test_steps_have_names_that_say_something() -> None:
    names = [name for name, _ in boot.STEPS]

    assert names[0] == "identify"
    assert len(set(names)) == len(names)
    assert set(names) == set(STEP_LABELS)


def test_both_radios_are_reset_by_the_same_writes() -> None:
    one = replace(
        SETTINGS,
        radios=(SETTINGS.radios[0], None),
        channels=tuple(
            None if channel is None or channel.rf_chain else channel for channel in SETTINGS.channels
        ),
        service=None,
        fsk=None,
    )

    assert abs(started(one).clock.slept_ns - started().clock.slept_ns) < 100_000_000
