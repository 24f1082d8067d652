"""From when a gateway counts, and from when no more: never before the record; the notice at its edges."""

from dataclasses import replace

import pytest

from fleet.availability.commissioning import edges, effective_us
from fleet.durations import HOUR_US
from fleet.facts.model import Commissioning, CommissioningKind, WithdrawalReason
from fleet.facts.settings import DEFAULTS

NOTICE = DEFAULTS.withdrawal_notice_us
ACCEPTED = Commissioning(
    id="1", eui="a", kind=CommissioningKind.ACCEPTED, at_us=0, who="x", recorded_at_us=10
)
GONE = replace(ACCEPTED, id="2", kind=CommissioningKind.WITHDRAWN, at_us=100, recorded_at_us=100)
AGREED = replace(GONE, second="y", reason=WithdrawalReason.HAZARD)


@pytest.mark.parametrize(
    ("fact", "since_us"),
    [
        (ACCEPTED, 10),
        (replace(ACCEPTED, at_us=30), 30),
        (GONE, 100 + NOTICE),
        (replace(GONE, at_us=100 + NOTICE + 1), 100 + NOTICE + 1),
        (replace(GONE, at_us=0), 100 + NOTICE),
        (AGREED, 100),
        (replace(AGREED, at_us=0), 100),
        (replace(AGREED, second="x"), 100 + NOTICE),
        (replace(AGREED, reason=None), 100 + NOTICE),
        (replace(ACCEPTED, void=True, recorded_at_us=50), 50 + NOTICE),
        (replace(GONE, void=True, recorded_at_us=150), 150),
    ],
)
def test_from_when_it_counts(fact, since_us):
    assert effective_us(fact, DEFAULTS) == since_us


def changes_of(*facts):
    return [(edge.at_us, edge.counts) for edge in edges(facts, DEFAULTS)]


def test_an_acceptance_takes_back_a_withdrawal_that_waits():
    back = replace(ACCEPTED, id="3", at_us=200, recorded_at_us=200)
    assert changes_of(GONE, back, ACCEPTED) == [(10, True), (200, True)]


def test_a_withdrawal_that_counted_stays_and_an_acceptance_comes_after():
    since_us = 100 + NOTICE + HOUR_US
    back = replace(ACCEPTED, id="3", at_us=0, recorded_at_us=since_us)
    assert changes_of(back, GONE, ACCEPTED) == [(10, True), (100 + NOTICE, False), (since_us, True)]
