import pytest

from agent.radio.recovery import RestartRequested
from agent.radio.reopening import JOBS_LIMIT, ReopeningConcentrator
from agent.wire import reasons
from hal.errors import LineFailed
from hal.packets import ConcentratorStatus, ReceivedFrame, Spectrum, Transmission, TxState
from hal.units import Dbm, Hz, Micros


class Chip:
    """A concentrator that says what it was told."""

    eui = "0016c001f12a3b4c"

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def start(self) -> None:
        self.log.append("start")

    def stop(self) -> None:
        self.log.append("stop")

    def receive(self) -> list[ReceivedFrame]:
        return []

    def transmit(self, transmission: Transmission) -> None:
        self.log.append("transmit")

    def tx_state(self, rf_chain: int) -> TxState:
        return TxState.FREE

    def abort(self, rf_chain: int) -> None:
        self.log.append("abort")

    def status(self) -> ConcentratorStatus:
        return ConcentratorStatus(counter_us=Micros(1), agc_status=0, agc_parity_ok=True, arb_parity_ok=True)

    def counter_us(self) -> Micros:
        return Micros(1)

    def trigger_counter_us(self) -> Micros:
        return Micros(2)

    def temperature_c(self) -> float | None:
        return 40.0

    def spectral_scan(self, frequency_hz: Hz) -> Spectrum:
        return Spectrum(frequency_hz=frequency_hz, levels_dbm=(Dbm(-100.0),), counts=(1,))


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def chip(log: list[str]) -> ReopeningConcentrator:
    def opening() -> Chip:
        log.append("open")
        return Chip(log)

    return ReopeningConcentrator(opening)


def test_every_start_opens_anew(chip: ReopeningConcentrator, log: list[str]) -> None:
    for _ in range(2):
        chip.start()
        chip.stop()
    assert log == ["open", "start", "stop"] * 2
    chip.stop()
    assert chip.eui == Chip.eui


def test_before_the_start_the_line_is_not_there(chip: ReopeningConcentrator) -> None:
    with pytest.raises(LineFailed, match="the radio is off"):
        chip.receive()
    assert chip.eui == ""


def test_a_missing_device_is_an_error_of_the_start_alone() -> None:
    def opening() -> Chip:
        raise LineFailed("gone", where="spi")

    with pytest.raises(LineFailed, match="gone"):
        ReopeningConcentrator(opening).start()


def test_restart_ends_the_run_once(chip: ReopeningConcentrator) -> None:
    chip.start()
    chip.restart(reasons.radio.rebuilt())
    with pytest.raises(RestartRequested, match="built into the radio"):
        chip.receive()
    assert chip.receive() == []
    chip.restart(reasons.radio.rebuilt())
    chip.start()
    assert chip.receive() == []


def test_jobs_run_between_fetches(chip: ReopeningConcentrator) -> None:
    assert isinstance(chip.ask(lambda one: one.status()).exception(), LineFailed)
    chip.start()
    good, bad = chip.ask(lambda one: one.temperature_c()), chip.ask(lambda one: one.nonsense)  # type: ignore[attr-defined]
    assert not good.done()
    chip.receive()
    assert good.result() == 40.0
    assert isinstance(bad.exception(), AttributeError)


def test_jobs_are_bounded_and_end_with_the_radio(chip: ReopeningConcentrator) -> None:
    chip.start()
    waiting = [chip.ask(lambda one: one.eui) for _ in range(JOBS_LIMIT)]
    assert isinstance(chip.ask(lambda one: one.eui).exception(), LineFailed)
    chip.stop()
    assert all(isinstance(one.exception(), LineFailed) for one in waiting)


def test_everything_else_goes_to_the_chip(chip: ReopeningConcentrator, log: list[str]) -> None:
    chip.start()
    chip.abort(0)
    assert log[-1] == "abort"
    assert chip.tx_state(0) is TxState.FREE
    assert (chip.counter_us(), chip.trigger_counter_us(), chip.temperature_c()) == (1, 2, 40.0)
    assert chip.spectral_scan(Hz(868_100_000)).frequency_hz == 868_100_000
