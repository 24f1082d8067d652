"""Listening before a transmission: from when a verdict is looked for, until when, and what a chain shows."""

from collections import Counter

import pytest

from hal.bus.access import Registers
from hal.errors import OurMistake
from hal.packets import Lora, Transmission, TxState, TxTrigger
from hal.settings import LbtChannel, ListenBeforeTalk, Sx1261Settings
from hal.sx1261.lbt import CLEAR_LIMIT_US, LISTEN_LEAD_US, VERDICT_LIMIT_US, LbtVerdict
from hal.sx1302 import mcu
from hal.sx1302.tx.listen_first import ON_GPS_LIMIT_US, ListenFirst
from hal.units import Hz, Micros
from tests.unit.hal.sx1302.fake_bus import MemoryBus

BEGAN_US = 50_000_000
COUNTER_US = Micros(9_000_000)
SETUP_US = 300
CHANNEL = LbtChannel(frequency_hz=Hz(868_100_000), bandwidth_hz=125_000, scan_us=5000, transmit_limit_ms=4000)
SETTINGS = Sx1261Settings(rssi_offset_db=3, lbt=ListenBeforeTalk(threshold_dbm=-80, channels=(CHANNEL,)))


class Clock:
    """Host time that goes on only when somebody works."""

    now_us = BEGAN_US

    def monotonic_us(self) -> int:
        return self.now_us


class Listener:
    """A listening radio whose setting up takes ``SETUP_US``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asked: list[tuple[int, ...]] = []
        self.stopped = 0

    def listen(self, frequency_hz: Hz, bandwidth_hz: int, scan_us: int, threshold_dbm: int) -> None:
        self.asked.append((frequency_hz, bandwidth_hz, scan_us, threshold_dbm))
        self._clock.now_us += SETUP_US

    def stop_listening(self) -> None:
        self.stopped += 1


class Triggers:
    """The transmitter, as far as an abort needs it."""

    def __init__(self) -> None:
        self.cleared: list[int] = []

    def clear_triggers(self, rf_chain: int) -> None:
        self.cleared.append(rf_chain)


class Rig:
    """All that a transmission goes by, and what was asked of it."""

    def __init__(self) -> None:
        self.clock, self.bus, self.triggers, self.counts = Clock(), MemoryBus(), Triggers(), Counter[str]()
        self.listener = Listener(self.clock)
        self.first = ListenFirst(
            Registers(self.bus),
            self.triggers,  # type: ignore[arg-type]
            self.listener,  # type: ignore[arg-type]
            self.clock,  # type: ignore[arg-type]
            self.counts,
        )

    def begin(
        self, trigger: TxTrigger = TxTrigger.IMMEDIATE, ahead_us: int | None = None, chain: int = 0
    ) -> None:
        at_us = None if ahead_us is None else Micros(COUNTER_US + ahead_us)
        sent = Transmission(
            payload=b"x",
            modulation=Lora(sf=7),
            frequency_hz=Hz(868_100_000),
            power_dbm=14,
            rf_chain=chain,
            trigger=trigger,
            at_us=at_us,
        )
        self.first.begin(sent, SETTINGS, COUNTER_US)

    def poll(self, now_us: int, status: int) -> int:
        """Look at the AGC, which says ``status``; returns how often it was read."""
        self.clock.now_us = now_us
        self.bus.memory[mcu.AGC.status] = status
        before = len(self.bus.reads())
        self.first.poll()
        return len(self.bus.reads()) - before


@pytest.mark.parametrize(
    ("trigger", "ahead_us", "from_us", "until_us"),
    [
        (TxTrigger.IMMEDIATE, None, BEGAN_US, BEGAN_US + SETUP_US + VERDICT_LIMIT_US),
        (
            TxTrigger.TIMESTAMPED,
            100_000,
            BEGAN_US + 100_000 - LISTEN_LEAD_US,
            BEGAN_US + SETUP_US + 100_000 + VERDICT_LIMIT_US,
        ),
        (TxTrigger.ON_GPS, None, BEGAN_US, BEGAN_US + SETUP_US + ON_GPS_LIMIT_US + VERDICT_LIMIT_US),
    ],
)
def test_a_verdict_is_looked_for_from_the_lead_before_the_start_until_its_limit(
    trigger, ahead_us, from_us, until_us
):
    rig = Rig()
    rig.begin(trigger, ahead_us)
    assert rig.listener.asked == [(868_100_000, 125_000, 5000, -77)]
    assert rig.first.busy
    if from_us > rig.clock.now_us:
        assert rig.poll(from_us - 1, 0) == 0
    assert rig.poll(max(from_us, rig.clock.now_us), 0) == 1
    rig.poll(until_us - 1, 0)
    assert (rig.triggers.cleared, rig.first.judged(TxState.FREE, 0)) == ([], TxState.SCHEDULED)
    rig.poll(until_us, 0)
    assert rig.triggers.cleared == [0]
    assert rig.first.judged(TxState.FREE, 0) is TxState.UNKNOWN


@pytest.mark.parametrize(
    ("chain", "status", "verdict", "state"),
    [
        (0, 0x01, LbtVerdict.SENT, TxState.FREE),
        (0, 0x41, LbtVerdict.BLOCKED, TxState.BLOCKED),
        (1, 0x02, LbtVerdict.SENT, TxState.FREE),
        (1, 0x82, LbtVerdict.BLOCKED, TxState.BLOCKED),
    ],
)
def test_a_verdict_is_cleared_acknowledged_counted_and_shown_on_its_chain(chain, status, verdict, state):
    rig = Rig()
    rig.begin(chain=chain)
    rig.poll(BEGAN_US + 1_000, status)
    assert rig.first.busy
    assert rig.first.judged(TxState.FREE, chain) is state
    rig.poll(BEGAN_US + 2_000, 0)
    assert not rig.first.busy
    assert rig.bus.writes() == [(mcu.MAILBOX_WRITE, b"\xff"), (mcu.MAILBOX_WRITE, b"\x00")]
    assert (rig.listener.stopped, rig.counts) == (1, {f"lbt_{verdict}": 1})
    assert rig.first.last_verdict is verdict
    assert rig.first.judged(TxState.FREE, chain) is state
    assert rig.first.judged(TxState.EMITTING, chain) is TxState.EMITTING
    assert rig.first.judged(TxState.FREE, 1 - chain) is TxState.FREE
    assert rig.triggers.cleared == []


def test_the_next_transmission_forgets_the_verdict_of_the_last():
    rig = Rig()
    rig.begin()
    rig.poll(BEGAN_US + 1_000, 0x41)
    with pytest.raises(OurMistake, match="still listens"):
        rig.first.must_be_idle()
    rig.poll(BEGAN_US + 2_000, 0)
    rig.first.must_be_idle()
    rig.begin()
    assert rig.first.last_verdict is None
    assert rig.first.judged(TxState.FREE, 0) is TxState.SCHEDULED


@pytest.mark.parametrize(
    ("ahead_us", "late"), [(LISTEN_LEAD_US + SETUP_US, False), (LISTEN_LEAD_US + SETUP_US - 1, True)]
)
def test_a_start_that_passes_while_the_listener_is_set_up_is_refused(ahead_us, late):
    rig = Rig()
    if late:
        with pytest.raises(OurMistake, match=f"listening took {SETUP_US} us"):
            rig.begin(TxTrigger.TIMESTAMPED, ahead_us)
    else:
        rig.begin(TxTrigger.TIMESTAMPED, ahead_us)
    assert (rig.listener.stopped, rig.first.busy) == (int(late), not late)


@pytest.mark.parametrize(("chain", "abandoned"), [(0, True), (1, False)])
def test_an_abandoned_transmission_is_judged_at_once_on_its_own_chain_only(chain, abandoned):
    rig = Rig()
    rig.begin(TxTrigger.TIMESTAMPED, 10_000_000)
    rig.first.abandon(chain)
    rig.poll(BEGAN_US + 1_000, 0)
    assert rig.triggers.cleared == ([0] if abandoned else [])


def test_clearing_ends_at_its_limit_without_the_agc():
    rig = Rig()
    rig.begin()
    rig.poll(BEGAN_US + 1_000, 0x01)
    rig.poll(BEGAN_US + 1_000 + CLEAR_LIMIT_US - 1, 0x01)
    assert rig.first.busy
    rig.poll(BEGAN_US + 1_000 + CLEAR_LIMIT_US, 0x01)
    assert rig.first.last_verdict is LbtVerdict.SENT


def test_nothing_is_read_while_nothing_listens():
    rig = Rig()
    assert rig.poll(BEGAN_US, 0x01) == 0
    assert rig.first.judged(TxState.FREE, 0) is TxState.FREE
