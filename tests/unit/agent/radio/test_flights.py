"""Every programmed transmission is looked at when it can be judged, and reported once."""

from dataclasses import replace

import pytest

from agent.downlink.jit import Entry, EntryKind
from agent.radio.flights import TX_CHECK_DELAY_US, TX_END_GRACE_US, Flights, Sent
from agent.wire import reasons
from hal.packets import Lora, Transmission, TxState
from hal.units import Hz

START_US = 1_000_000
AIRTIME_US = 60_000
LOOK_US = START_US + TX_CHECK_DELAY_US
SENT = Transmission(
    payload=b"x", modulation=Lora(sf=7), frequency_hz=Hz(868_100_000), power_dbm=14, rf_chain=1
)
ENTRY = Entry(ticket=1, kind=EntryKind.CLASS_A, start_us=START_US, airtime_us=AIRTIME_US, transmission=SENT)


class Chains:
    """RF chains in states that a test chooses."""

    def __init__(self) -> None:
        self.states = [TxState.UNKNOWN, TxState.FREE]
        self.aborted: list[int] = []

    def tx_state(self, chain: int) -> TxState:
        return self.states[chain]

    def abort(self, chain: int) -> None:
        self.aborted.append(chain)


@pytest.fixture
def chains() -> Chains:
    return Chains()


@pytest.fixture
def reports() -> list[Sent]:
    return []


@pytest.fixture
def flights(chains: Chains, reports: list[Sent]) -> Flights:
    made = Flights(chains, reports.append)  # type: ignore[arg-type]
    made.add(ENTRY)
    return made


@pytest.mark.parametrize(
    ("state", "ok", "blocked", "reason"),
    [
        (TxState.EMITTING, True, False, reasons.downlink.sent()),
        (TxState.FREE, True, False, reasons.downlink.sent()),
        (TxState.BLOCKED, False, True, reasons.downlink.channel_occupied()),
        (TxState.UNKNOWN, False, False, reasons.downlink.not_on_air(tx_state="unknown")),
    ],
)
def test_it_is_judged_shortly_after_its_start_and_once(chains, reports, flights, state, ok, blocked, reason):
    chains.states[1] = state
    flights.follow(LOOK_US - 1)
    assert reports == []
    assert flights.next_at_us() == [LOOK_US]
    flights.follow(LOOK_US)
    flights.follow(LOOK_US + 1)
    assert reports == [Sent(entry=ENTRY, ok=ok, reason=reason, blocked=blocked)]
    assert flights.next_at_us() == []
    assert chains.aborted == []


def test_what_still_waits_after_its_end_is_aborted(chains, reports, flights):
    chains.states[1] = TxState.SCHEDULED
    last_us = START_US + AIRTIME_US + TX_END_GRACE_US
    flights.follow(last_us - 1)
    assert (reports, chains.aborted) == ([], [])
    flights.follow(last_us)
    assert chains.aborted == [1]
    assert [(one.ok, one.reason) for one in reports] == [
        (False, reasons.downlink.not_on_air(tx_state="scheduled"))
    ]


@pytest.mark.parametrize(
    ("airtime_us", "look_us"),
    [
        (2 * TX_CHECK_DELAY_US - 2, TX_CHECK_DELAY_US - 1),
        (2 * TX_CHECK_DELAY_US, TX_CHECK_DELAY_US),
        (9 * TX_CHECK_DELAY_US, TX_CHECK_DELAY_US),
    ],
)
def test_a_short_emission_is_looked_at_half_way_through(chains, reports, airtime_us, look_us):
    flights = Flights(chains, reports.append)
    flights.add(replace(ENTRY, airtime_us=airtime_us))
    assert flights.next_at_us() == [START_US + look_us]


def test_a_radio_that_fails_loses_all_that_is_on_its_way_once(reports, flights):
    flights.add(replace(ENTRY, ticket=2))
    why = reasons.downlink.channel_occupied()
    flights.lose(why)
    flights.lose(why)
    assert reports == [Sent(entry=replace(ENTRY, ticket=ticket), ok=False, reason=why) for ticket in (1, 2)]
    assert flights.next_at_us() == []
