"""Listen-before-talk carried out: when the AGC is looked at, what each verdict writes, what is refused."""

from collections import Counter

import pytest

from hal.board_files import choose
from hal.bus.access import Registers
from hal.errors import OurMistake
from hal.packets import Lora, Transmission, TxState, TxTrigger
from hal.settings import LbtChannel, ListenBeforeTalk, Sx1261Settings
from hal.sx1261.driver import Sx1261
from hal.sx1261.lbt import CLEAR_LIMIT_US, LISTEN_LEAD_US, VERDICT_LIMIT_US, LbtVerdict
from hal.sx1302 import mcu
from hal.sx1302.tx.listen_first import ON_GPS_LIMIT_US, ListenFirst
from hal.sx1302.tx.transmitter import TRIGGERS_AT, Transmitter
from hal.sx1302.tx.writes import CHAIN_STEP
from hal.units import Hz, Micros
from tests.unit.hal.sx1302.fake_bus import MemoryBus

CHANNEL = LbtChannel(frequency_hz=Hz(868_100_000), bandwidth_hz=125_000, scan_us=128, transmit_limit_ms=400)
RULES = Sx1261Settings(rssi_offset_db=5, lbt=ListenBeforeTalk(threshold_dbm=-80, channels=(CHANNEL,)))
COUNTER = Micros(50_000_000)
SENT, BLOCKED = {0: 0x01, 1: 0x02}, {0: 0x41, 1: 0x82}
LOOK, CLEAR, ACKNOWLEDGE = (
    ("R", mcu.AGC.status, 1),
    ("W", mcu.MAILBOX_WRITE, b"\xff"),
    ("W", mcu.MAILBOX_WRITE, b"\x00"),
)


class ManualClock:
    def __init__(self) -> None:
        self.now_us = 1_000_000

    def monotonic_us(self) -> int:
        return self.now_us

    def sleep(self, seconds: float) -> None:
        self.now_us += round(seconds * 1e6)


class Listener(Sx1261):
    """Takes ``takes_us`` to be set up; ``listening`` is what it was asked for."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(MemoryBus(), clock)
        self.time, self.takes_us = clock, 400
        self.listening: tuple[int, ...] | None = None

    def listen(self, frequency_hz: Hz, bandwidth_hz: int, scan_us: int, threshold_dbm: int) -> None:
        self.listening = (frequency_hz, bandwidth_hz, scan_us, threshold_dbm)
        self.time.now_us += self.takes_us

    def stop_listening(self) -> None:
        self.listening = None


class Bench:
    def __init__(self) -> None:
        self.bus, self.clock, self.counts = MemoryBus(), ManualClock(), Counter[str]()
        registers = Registers(self.bus)
        self.listener = Listener(self.clock)
        transmitter = Transmitter(registers, choose("rak2287").settings)
        self.first = ListenFirst(registers, transmitter, self.listener, self.clock, self.counts)
        self.agc(0)

    def agc(self, status: int) -> None:
        self.bus.memory[mcu.AGC.status] = status

    def begin(self, *, ahead_us: int | None = 100_000, chain: int = 0, on_gps: bool = False) -> int:
        """Begin to listen and return the instant at which that began."""
        began_us = self.clock.now_us
        at_us = None if ahead_us is None else Micros(COUNTER + ahead_us)
        trigger = TxTrigger.IMMEDIATE if ahead_us is None else TxTrigger.TIMESTAMPED
        asked = Transmission(
            payload=b"x",
            modulation=Lora(sf=7),
            frequency_hz=CHANNEL.frequency_hz,
            power_dbm=14,
            rf_chain=chain,
            trigger=TxTrigger.ON_GPS if on_gps else trigger,
            at_us=at_us,
        )
        self.first.begin(asked, RULES, COUNTER)
        return began_us

    def poll_at(self, instant_us: int) -> list[tuple[str, int, bytes | int]]:
        """Look at an instant and return what that did on the bus."""
        self.clock.now_us = instant_us
        done = len(self.bus.lines)
        self.first.poll()
        lines = self.bus.lines[done:]
        return [(kind, at, len(data) if kind == "R" else data) for kind, at, data in lines]


def test_the_channel_is_listened_on_with_the_boards_offset() -> None:
    bench = Bench()
    bench.begin()
    assert bench.listener.listening == (868_100_000, 125_000, 128, -75)
    assert bench.first.busy


def test_nothing_is_looked_at_where_nothing_listens() -> None:
    bench = Bench()
    assert bench.poll_at(bench.clock.now_us) == []
    assert not bench.first.busy


@pytest.mark.parametrize(("ahead_us", "first_look_us"), [(100_000, 98_500), (1_901, 401), (None, 400)])
def test_the_agc_is_not_looked_at_before_it_can_have_judged(ahead_us: int | None, first_look_us: int) -> None:
    bench = Bench()
    began_us = bench.begin(ahead_us=ahead_us)
    if ahead_us is not None:
        assert bench.poll_at(began_us + first_look_us - 1) == []
    assert bench.poll_at(began_us + first_look_us) == [LOOK]
    assert bench.first.busy


@pytest.mark.parametrize("chain", [0, 1])
@pytest.mark.parametrize(("of", "verdict"), [(SENT, LbtVerdict.SENT), (BLOCKED, LbtVerdict.BLOCKED)])
def test_a_verdict_is_cleared_then_acknowledged(chain: int, of: dict[int, int], verdict: LbtVerdict) -> None:
    bench = Bench()
    began_us = bench.begin(chain=chain)
    bench.agc(of[1 - chain])
    assert bench.poll_at(began_us + 98_500) == [LOOK]

    bench.agc(of[chain])
    assert bench.poll_at(began_us + 98_501) == [LOOK, CLEAR]
    assert (bench.first.busy, bench.first.last_verdict) == (True, None)
    assert bench.listener.listening is not None
    assert bench.poll_at(began_us + 98_502) == [LOOK]

    bench.agc(0)
    assert bench.poll_at(began_us + 98_503) == [LOOK, ACKNOWLEDGE]
    assert (bench.first.busy, bench.first.last_verdict) == (False, verdict)
    assert bench.listener.listening is None
    assert bench.counts == {f"lbt_{verdict}": 1}
    assert bench.poll_at(began_us + 98_504) == []


@pytest.mark.parametrize("chain", [0, 1])
@pytest.mark.parametrize(
    ("ahead_us", "on_gps", "longest_us"),
    [(100_000, False, 100_000), (None, False, 0), (None, True, ON_GPS_LIMIT_US)],
)
def test_a_verdict_that_never_comes_takes_the_triggers_back(
    chain: int, ahead_us: int | None, *, on_gps: bool, longest_us: int
) -> None:
    bench = Bench()
    trigger_at = TRIGGERS_AT + CHAIN_STEP * chain
    bench.bus.memory[trigger_at] = 0x17
    began_us = bench.begin(ahead_us=ahead_us, chain=chain, on_gps=on_gps)
    deadline_us = began_us + bench.listener.takes_us + longest_us + VERDICT_LIMIT_US

    assert bench.poll_at(deadline_us - 1) == [LOOK]
    assert bench.poll_at(deadline_us) == [LOOK, CLEAR, ("R", trigger_at, 1), ("W", trigger_at, b"\x10")]
    assert bench.poll_at(deadline_us + 1) == [LOOK, ACKNOWLEDGE]
    assert bench.first.last_verdict is LbtVerdict.UNKNOWN
    assert bench.counts == {"lbt_unknown": 1}


def test_an_agc_that_does_not_clear_is_acknowledged_at_the_limit() -> None:
    bench = Bench()
    began_us = bench.begin()
    bench.agc(SENT[0])
    judged_us = began_us + 98_500
    assert bench.poll_at(judged_us) == [LOOK, CLEAR]
    assert bench.poll_at(judged_us + CLEAR_LIMIT_US - 1) == [LOOK]
    assert bench.poll_at(judged_us + CLEAR_LIMIT_US) == [LOOK, ACKNOWLEDGE]
    assert bench.first.last_verdict is LbtVerdict.SENT


def test_one_transmission_listens_at_a_time() -> None:
    bench = Bench()
    bench.first.must_be_idle()
    began_us = bench.begin()
    with pytest.raises(OurMistake, match="still listens"):
        bench.first.must_be_idle()
    bench.agc(SENT[0])
    bench.poll_at(began_us + 98_500)
    with pytest.raises(OurMistake, match="still listens"):
        bench.first.must_be_idle()
    bench.agc(0)
    bench.poll_at(began_us + 98_501)
    bench.first.must_be_idle()


@pytest.mark.parametrize(("late_us", "refused"), [(-1, False), (0, False), (1, True)])
def test_an_instant_that_the_setting_up_overtook_is_refused(late_us: int, *, refused: bool) -> None:
    bench = Bench()
    bench.listener.takes_us = 10_000 - LISTEN_LEAD_US + late_us
    if not refused:
        bench.begin(ahead_us=10_000)
        assert bench.first.busy
        return
    with pytest.raises(OurMistake, match="listening took 8501 us, the start was 10000 us ahead"):
        bench.begin(ahead_us=10_000)
    assert not bench.first.busy
    assert bench.listener.listening is None


def test_a_frequency_that_no_channel_admits_is_refused_before_anything_is_set_up() -> None:
    bench = Bench()
    elsewhere = Transmission(payload=b"x", modulation=Lora(sf=7), frequency_hz=Hz(868_300_000), power_dbm=14)
    with pytest.raises(OurMistake, match="no channel at 868300000 Hz"):
        bench.first.begin(elsewhere, RULES, COUNTER)
    assert (bench.first.busy, bench.listener.listening, bench.bus.lines) == (False, None, [])


def test_an_aborted_transmission_is_given_up_at_the_next_look_and_that_of_the_other_chain_is_not() -> None:
    bench = Bench()
    began_us = bench.begin(chain=1)
    bench.first.abandon(0)
    assert bench.poll_at(began_us + 1_000) == []
    bench.first.abandon(1)
    trigger_at = TRIGGERS_AT + CHAIN_STEP
    assert bench.poll_at(began_us + 1_001)[:2] == [LOOK, CLEAR]
    assert bench.bus.writes()[-1][0] == trigger_at
    bench.poll_at(began_us + 1_002)
    assert bench.first.last_verdict is LbtVerdict.UNKNOWN


def test_a_state_of_the_chip_is_read_beside_the_verdict() -> None:
    bench = Bench()
    assert bench.first.judged(TxState.FREE, 0) is TxState.FREE
    began_us = bench.begin()
    assert bench.first.judged(TxState.FREE, 0) is TxState.SCHEDULED
    assert bench.first.judged(TxState.FREE, 1) is TxState.FREE
    assert bench.first.judged(TxState.EMITTING, 0) is TxState.EMITTING
    bench.agc(BLOCKED[0])
    bench.poll_at(began_us + 98_500)
    assert bench.first.judged(TxState.FREE, 0) is TxState.BLOCKED
    bench.agc(0)
    bench.poll_at(began_us + 98_501)
    assert bench.first.judged(TxState.FREE, 0) is TxState.BLOCKED
    assert bench.first.judged(TxState.FREE, 1) is TxState.FREE
    bench.begin()
    assert bench.first.judged(TxState.FREE, 0) is TxState.SCHEDULED


@pytest.mark.parametrize(
    ("of", "state"), [(SENT, TxState.FREE), (BLOCKED, TxState.BLOCKED), ({0: 0}, TxState.UNKNOWN)]
)
def test_each_verdict_has_its_state(of: dict[int, int], state: TxState) -> None:
    bench = Bench()
    began_us = bench.begin()
    bench.agc(of[0])
    bench.poll_at(began_us + 2_000_000)
    assert bench.first.judged(TxState.FREE, 0) is state
