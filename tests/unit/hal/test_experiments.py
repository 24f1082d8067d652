"""Two virtual boards in one air prove what the twin assumes, and refute what it is made to do otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.resources import files

import pytest

from hal import thermometer
from hal.board_files import choose
from hal.experiments import EXPERIMENTS, Bench, ProofVerdict, run
from hal.open import synthetic_images
from hal.settings import LbtChannel, ListenBeforeTalk, Settings, Sx1261Settings
from hal.sx1302.driver import Sx1302
from hal.tools.prove import line
from hal.tools.words import WORDS
from hal.twin.air import Air
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.local import ChipClock, LocalBus
from hal.twin.propagation import Position
from hal.units import Hz
from hal.wiring import Wiring

IF_FREQUENCY_AT, PAYLOAD_LENGTH_AT = 0x5800, 0x5263
CHANNEL = LbtChannel(frequency_hz=Hz(867_500_000), bandwidth_hz=125_000, scan_us=128, transmit_limit_ms=400)


class AirClock(ChipClock):
    """Whoever sleeps lets the air go on as well."""

    def __init__(self, chip: VirtualChip, air: Air) -> None:
        super().__init__(chip)
        self._air = air

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._air.advance(self.monotonic_us())


@dataclass(frozen=True)
class Boards:
    bench: Bench
    chips: tuple[VirtualChip, VirtualChip]

    def findings(self) -> dict[str, ProofVerdict]:
        return {finding.name: finding.verdict for finding in run(self.bench)}


def boards(*, lbt: bool = False) -> Boards:
    clock, air = VirtualClock(), Air()
    chips = (VirtualChip(clock=clock, name="board"), VirtualChip(clock=clock, name="partner"))
    settings = replace(choose("corecell").settings, sx1261=listening() if lbt else None)
    drivers = []
    for index, (chip, each) in enumerate(zip(chips, (settings, choose("corecell").settings), strict=True)):
        air.add_gateway(chip.name, chip, Position(lat=47.40 + index * 0.0001, lon=0.70))
        drivers.append(started(chip, air, each))
    return Boards(Bench(board=drivers[0], partner=drivers[1], repeats=3), chips)


def listening() -> Sx1261Settings:
    return Sx1261Settings(lbt=ListenBeforeTalk(threshold_dbm=-80, channels=(CHANNEL,)))


def started(chip: VirtualChip, air: Air, settings: Settings) -> Sx1302:
    bus = LocalBus(chip)
    wiring = Wiring(
        bus=bus, clock=AirClock(chip, air), sx1261=bus.sx1261, find_thermometer=lambda: thermometer.find(bus)
    )
    driver = Sx1302(wiring, settings, synthetic_images())
    driver.start()
    return driver


def test_what_the_twin_assumes_is_confirmed() -> None:
    made = boards()
    found = made.findings()
    assert found == dict.fromkeys(EXPERIMENTS, ProofVerdict.CONFIRMED) | {
        "lbt": ProofVerdict.UNMEASURED,
        "rf_instant": ProofVerdict.UNMEASURED,
    }


def test_the_table_of_the_readme_names_each_experiment_and_no_other() -> None:
    text = (files("hal") / "README.md").read_text(encoding="utf-8")
    table = text.partition("## What silicon has not proved")[2].partition("\n## ")[0]
    rows = [row.split("|") for row in table.splitlines() if row.startswith("| ")][1:]
    assert {row[4].strip(" `") for row in rows} == {*EXPERIMENTS, "rf_instant"}


def test_a_carrier_of_the_partner_blocks_a_board_that_listens() -> None:
    assert boards(lbt=True).findings()["lbt"] is ProofVerdict.CONFIRMED


def test_a_board_that_does_not_hear_the_carrier_is_refuted() -> None:
    made = boards(lbt=True)
    hears_no_carrier(made)
    assert made.findings()["lbt"] is ProofVerdict.REFUTED


def delays_no_fsk(made: Boards) -> None:
    for transmitter in made.chips[0].transmitters:
        transmitter.delays_fsk = False


def forgets_triggers(made: Boards) -> None:
    for transmitter in made.chips[0].transmitters:
        transmitter.keeps_trigger = False


def fails_to_calibrate(made: Boards) -> None:
    made.chips[0].faults.radio_calibration_fails = {0}


def takes_no_write(address: int) -> Callable[[Boards], None]:
    """Return what makes a register of the board stay at zero, whatever is written there."""

    def make(made: Boards) -> None:
        made.chips[0]._space.registers[address] = 0
        made.chips[0]._space.watch_write(address, lambda *_: None)

    return make


def hears_no_carrier(made: Boards) -> None:
    made.chips[0].sx1261.noise_dbm = lambda _: -120.0


@pytest.mark.parametrize(
    ("otherwise", "name"),
    [
        (delays_no_fsk, "fsk_start"),
        (forgets_triggers, "triggers"),
        (fails_to_calibrate, "starts"),
        (takes_no_write(IF_FREQUENCY_AT), "bursts"),
        (takes_no_write(PAYLOAD_LENGTH_AT), "sends"),
    ],
)
def test_what_a_board_does_otherwise_is_refuted(otherwise: Callable[[Boards], None], name: str) -> None:
    made = boards()
    otherwise(made)
    assert made.findings()[name] is ProofVerdict.REFUTED


def test_without_a_partner_what_needs_one_is_not_measured() -> None:
    made = boards()
    alone = replace(made.bench, partner=None)
    found = {finding.name: finding for finding in run(alone)}
    assert {name for name, finding in found.items() if finding.verdict is ProofVerdict.UNMEASURED} == {
        "fsk_start",
        "offset_sign",
        "lbt",
        "rf_instant",
    }
    assert "--partner" in found["fsk_start"].detail
    for text in WORDS.values():
        assert all(line(finding, text) for finding in found.values())
