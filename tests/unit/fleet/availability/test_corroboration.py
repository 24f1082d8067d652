"""The LNS beside the fleet: what contradicts, what does not, and a forged heartbeat that shows."""

from collections import Counter

import pytest

from fleet.availability.corroboration import Contradicts, HeardHour, corroborate
from fleet.availability.timeline import Span, Timeline, timeline
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from tests.unit.fleet.availability.making import ACCEPTED, EUI, boot_records, run

DAY0 = 1_790_000_000_000_000 // HOUR_US * HOUR_US
OTHER = "0016c001f12a3b4d"


def line(*spans, eui=EUI, days=3):
    found = tuple(Span(DAY0 + a, DAY0 + b, state) for a, b, state in spans)
    return Timeline(eui=eui, start_us=DAY0, end_us=DAY0 + days * DAY_US, exceptions=found)


def heard(quiet=(), every=10, days=3, first=DAY0):
    """An uplink every so many minutes but in the quiet stretches (from, until)."""
    hours = []
    for hour in range(days * 24):
        at_us = first + hour * HOUR_US
        bits = 0
        for minute in range(0, 60, every):
            when = at_us + minute * MINUTE_US - first
            bits |= 0 if any(a <= when < b for a, b in quiet) else 1 << minute
        if bits:
            hours.append(HeardHour(at_us, bits))
    return hours


def contradictions(lines, heard):
    """Every contradiction, with how many gateways had events in each hour counted here."""
    hours = Counter(hour.hour_at_us for found in heard.values() for hour in found)
    return corroborate(lines, heard.items(), hours).found


def kinds(of_line, mine, others):
    return [
        (one.kind, (one.start_us - DAY0) // MINUTE_US, (one.end_us - DAY0) // MINUTE_US, one.minutes)
        for one in contradictions({EUI: of_line, OTHER: line(eui=OTHER)}, {EUI: mine, OTHER: others})
        if one.eui == EUI
    ]


def test_an_uplink_while_down():
    down = (HOUR_US, 2 * HOUR_US, GatewayState.DOWN)
    assert kinds(line(down), heard(), heard()) == [(Contradicts.HEARD_WHILE_DOWN, 60, 120, 6)]


@pytest.mark.parametrize("state", [GatewayState.BUFFERING, GatewayState.UNKNOWN, GatewayState.MAINTENANCE])
def test_only_down_is_contradicted_by_an_uplink(state):
    assert kinds(line((HOUR_US, 2 * HOUR_US, state)), heard(), heard()) == []


def test_a_minute_at_the_edge_of_a_loss_is_none():
    down = (HOUR_US - 1, HOUR_US + MINUTE_US - 1, GatewayState.DOWN)
    assert kinds(line(down), heard(every=1), heard()) == []
    wider = (HOUR_US, HOUR_US + MINUTE_US, GatewayState.DOWN)
    assert len(kinds(line(wider), heard(every=1), heard())) == 1


QUIET = (DAY_US, DAY_US + 6 * HOUR_US)


def test_hours_without_an_uplink_while_serving():
    assert kinds(line(), heard([QUIET]), heard()) == [(Contradicts.QUIET_WHILE_SERVING, 1431, 1800, 36)]


@pytest.mark.parametrize(
    ("of_line", "mine", "others"),
    [
        (line(), heard([QUIET]), heard([QUIET])),  # nobody was heard: we may not have been connected
        (line((*QUIET, GatewayState.DOWN)), heard([QUIET]), heard()),  # it was down
        (line(), heard([QUIET], every=60), heard()),  # too little traffic to tell
        (line(), heard([(DAY_US, 3 * DAY_US)]), heard()),  # nothing after
        (line(), heard([(DAY_US, DAY_US + 2 * HOUR_US)]), heard()),  # too short
    ],
)
def test_what_proves_nothing(of_line, mine, others):
    assert kinds(of_line, mine, others) == []


def test_a_forged_heartbeat_that_turns_silence_into_service_shows():
    """The box was dead for six hours; a forged heartbeat with the same journal number bridges the gap."""
    hour = 3600
    honest = [run(0, 30, 24 * hour), run(0, 30 * hour, 54 * hour)]
    window = Window(1_790_000_000_000_000, 1_790_000_000_000_000 + 54 * HOUR_US)
    facts = GatewayFacts(
        eui=EUI, runs=tuple(honest), journal=tuple(boot_records(0)), commissioning=(ACCEPTED,)
    )
    told = timeline(facts, (), window, DEFAULTS, window.end_us)
    assert not [one for one in told.exceptions if one.length_us > HOUR_US]
    silent = [(window.start_us + 24 * HOUR_US - DAY0, window.start_us + 30 * HOUR_US - DAY0)]
    mine = heard(silent, every=5)
    (found,) = contradictions({EUI: told}, {EUI: mine, OTHER: heard()})
    assert found.kind is Contradicts.QUIET_WHILE_SERVING
    assert found.end_us - found.start_us > 5 * HOUR_US
