"""States of an order, how long it holds, and since when a record counts."""

from dataclasses import replace

import pytest

from agent.wire import reasons
from agent.wire.acceptance import AcceptanceRecord, CheckVerdict, Conclusion, Finding
from fleet.durations import DAY_US
from fleet.orders.model import (
    OrderFacts,
    OrderRefused,
    OrderState,
    concluded,
    counts_from_us,
    missing_papers,
    state_of,
    valid_until_us,
)
from tests.unit.fleet.founded import EUIS, NOW_US

OPEN = OrderFacts(eui=EUIS[0], valid_until_us=NOW_US + 1, enrolled=False, revoked=False, accepted=False)


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, OrderState.READY),
        ({"eui": None}, OrderState.TO_SCAN),
        ({"valid_until_us": NOW_US}, OrderState.EXPIRED),
        ({"valid_until_us": NOW_US, "eui": None}, OrderState.EXPIRED),
        ({"enrolled": True, "valid_until_us": NOW_US}, OrderState.ENROLLED),
        ({"revoked": True, "enrolled": True}, OrderState.REVOKED),
        ({"accepted": True, "revoked": True}, OrderState.ACCEPTED),
    ],
)
def test_the_state_follows_from_the_facts(change, state):
    assert state_of(replace(OPEN, **change), NOW_US) is state


def test_an_order_holds_for_thirty_days_after_the_planned_day():
    assert valid_until_us("", NOW_US) == NOW_US + 30 * DAY_US
    assert valid_until_us("2026-11-01", NOW_US) == NOW_US + 30 * DAY_US
    later = valid_until_us("2026-12-14", NOW_US)
    assert later == 1_797_289_200_000_000 + 30 * DAY_US  # the end of that day in Paris, 2026-12-14T23:00Z
    for typed in ("14/12/2026", "2026-02-30", "2062-12-14", "9999-12-31", "0001-01-01x"):
        with pytest.raises(OrderRefused, match="planned_on"):
            valid_until_us(typed, NOW_US)


def test_owner_and_heritage_must_have_agreed():
    given = [{"kind": "owner", "given_on": "2026-01-01"}, {"kind": "abf", "given_on": ""}]
    assert missing_papers(given) == ("abf",)
    assert missing_papers([]) == ("owner", "abf")


def record(backhaul=CheckVerdict.GOOD, **changes):
    why = reasons.acceptance.no_backhaul()
    reserved = backhaul is CheckVerdict.RESERVED
    base = {
        "eui": EUIS[0],
        "order": 1,
        "site": "Mairie",
        "signed_at_us": NOW_US,
        "time_quality": 1,
        "conclusion": Conclusion.WITH_RESERVES if reserved else Conclusion.ACCEPTED,
        "findings": (Finding(check="backhaul", verdict=backhaul, why=why),),
        "installer": "Anne",
    }
    return AcceptanceRecord(**(base | changes))


@pytest.mark.parametrize(
    ("given", "from_us"),
    [
        (record(), NOW_US),
        (record(CheckVerdict.RESERVED), NOW_US + 50),
        (record(time_quality=0), NOW_US + 50),
        (record(signed_at_us=NOW_US + 51), NOW_US + 50),
        (record(signed_at_us=NOW_US - 6), NOW_US + 50),
        (record(signed_at_us=NOW_US - 5), NOW_US - 5),
    ],
)
def test_a_record_counts_from_its_signature_only_when_link_and_clock_were_proved(given, from_us):
    assert counts_from_us(given, made_at_us=NOW_US - 5, received_at_us=NOW_US + 50) == from_us


def test_a_conclusion_must_be_what_the_findings_say():
    assert concluded(record())
    assert concluded(record(CheckVerdict.RESERVED))
    assert not concluded(record(CheckVerdict.RESERVED, conclusion=Conclusion.ACCEPTED))
    assert not concluded(record(CheckVerdict.BAD, conclusion=Conclusion.REFUSED))
    assert not concluded(record(CheckVerdict.WAITING, conclusion=Conclusion.WAITING))
    assert not concluded(record(findings=()))
