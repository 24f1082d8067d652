"""A quarantine is an incident of its own; many that are spared are one incident about the limit."""

from dataclasses import replace

import pytest

from fleet.durations import MINUTE_US
from fleet.incidents.model import Domain, End, Fail, IncidentState, Leave, Member, Open, Recover, SharedCause
from fleet.incidents.quarantine import GRADE, GRADE_BUDGET, LIMIT, decide, parted
from tests.unit.fleet.incidents.networks import NOW, gateway, incident, member, network

SINCE_US = NOW - 5 * MINUTE_US
HELD = gateway("a", quarantine="messages", quarantine_since_us=SINCE_US)
FREE = gateway("a")
OTHER = gateway("b")


def quarantine(number=1, state=IncidentState.OPEN, back=None, value="a"):
    return incident(
        [member(value, 60, back)], number=number, domain=Domain.QUARANTINE, value=value, state=state
    )


def limit(*euis, number=9, state=IncidentState.OPEN):
    return incident(
        [member(eui) for eui in euis], number=number, domain=Domain.BUDGET, value=LIMIT.value, state=state
    )


def spared(*gateways, **since_us):
    return replace(network(*gateways), spared=since_us)


def decided(incidents, seen):
    return list(decide(incidents, seen, NOW))


def test_it_opens_with_the_gateway_and_since_when_under_its_own_grade():
    (opened,) = decided([], network(HELD, OTHER))
    assert isinstance(opened, Open)
    assert opened.cause == SharedCause(domain=Domain.QUARANTINE, value="a")
    assert opened.members == (Member(eui="a", since_us=SINCE_US),)
    assert (opened.grade.reason, opened.reason) == (GRADE, "quarantine: messages")


def test_since_now_where_nobody_knows_better():
    (opened,) = decided([], network(replace(HELD, quarantine_since_us=None), OTHER))
    assert opened.members == (Member(eui="a", since_us=NOW),)


@pytest.mark.parametrize(
    ("known", "seen", "expected"),
    [
        ([quarantine()], HELD, []),
        (
            [quarantine(state=IncidentState.ENDED)],
            HELD,
            [Fail(incident_id=1, members=(Member(eui="a", since_us=SINCE_US),))],
        ),
        ([quarantine(state=IncidentState.ENDED), quarantine(2)], HELD, []),
        (
            [quarantine()],
            FREE,
            [
                Recover(incident_id=1, members=(replace(member("a"), restored_us=NOW),)),
                End(incident_id=1, at_us=NOW),
            ],
        ),
        ([quarantine(state=IncidentState.ENDED)], FREE, []),
        ([quarantine(state=IncidentState.MERGED)], FREE, []),
        (
            [quarantine(value="gone")],
            FREE,
            [Leave(incident_id=1, euis=("gone",), reason="withdrawn"), End(incident_id=1, at_us=NOW)],
        ),
    ],
    ids=["goes on", "again", "the newest counts", "over", "was over", "merged", "withdrawn"],
)
def test_it_goes_on_opens_again_and_ends_with_the_quarantine(known, seen, expected):
    assert decided(known, network(seen, OTHER)) == expected


def test_a_merged_one_is_forgotten():
    (opened,) = decided([quarantine(state=IncidentState.MERGED)], network(HELD, OTHER))
    assert isinstance(opened, Open)


def test_the_spared_are_one_incident_the_first_first():
    seen = spared(FREE, OTHER, gateway("c"), c=SINCE_US, b=SINCE_US, a=SINCE_US - 1, unknown=1)
    (opened,) = decided([], seen)
    assert opened.cause == LIMIT
    assert opened.members == tuple(
        Member(eui=eui, since_us=since_us)
        for eui, since_us in (("a", SINCE_US - 1), ("b", SINCE_US), ("c", SINCE_US))
    )
    assert (opened.grade.reason, opened.reason) == (GRADE_BUDGET, "budgets: 3 gateways spared")


def test_the_suspicion_goes_on_opens_again_and_ends():
    seen = spared(FREE, OTHER, a=SINCE_US)
    again = Fail(incident_id=9, members=(Member(eui="a", since_us=SINCE_US),))
    over = [
        Recover(incident_id=9, members=(replace(member("a"), restored_us=NOW),)),
        End(incident_id=9, at_us=NOW),
    ]
    assert decided([limit("a")], seen) == []
    assert decided([limit("a", state=IncidentState.ENDED)], seen) == [again]
    assert decided([limit("a", number=8, state=IncidentState.ENDED), limit("a")], seen) == []
    assert decided([limit("a")], network(FREE, OTHER)) == over
    assert decided([limit("a", state=IncidentState.ENDED)], network(FREE, OTHER)) == []


def test_losses_and_quarantines_are_parted():
    loss = incident([member("a")], number=3)
    assert parted([loss, quarantine(), limit("a")]) == ((loss,), (quarantine(), limit("a")))
