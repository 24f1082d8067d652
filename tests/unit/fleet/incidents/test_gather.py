"""New losses find their incident: by cause and by start, together with what is merely silent."""

from dataclasses import replace

import pytest

from fleet.durations import MINUTE_US
from fleet.facts.states import Cause, GatewayState
from fleet.incidents.correlate import TOGETHER_US
from fleet.incidents.gather import SILENT_US, YOUNG_US, gather, silent
from fleet.incidents.model import Absorb, Domain, Explain, Facts, IncidentState, Join, Open, SharedCause
from tests.unit.fleet.incidents.networks import NOW, down, gateway, incident, member, network

TOGETHER = TOGETHER_US / MINUTE_US
YOUNG = YOUNG_US / MINUTE_US
OPERATOR = SharedCause(domain=Domain.OPERATOR, value="O")


def far(eui, minutes=None, **values):
    """A gateway of operator O, down for so many minutes or serving, that shares nothing else."""
    made = {"backhaul_operator": "O"} | values
    return gateway(eui, **made) if minutes is None else down(eui, minutes, **made)


def gathered(*gateways, incidents=(), new=None):
    lost = {one.eui: one.since_us for one in gateways if one.state is GatewayState.DOWN}
    chosen = lost if new is None else {eui: lost[eui] for eui in new}
    found = Facts(network=network(*gateways), silence_confirmed_us=90_000_000, incidents=tuple(incidents))
    return list(gather(found, chosen, NOW))


def operator_incident(*members, minutes=60, **values):
    return incident(members, domain=Domain.OPERATOR, value="O", minutes=minutes, **values)


@pytest.mark.parametrize(
    ("minutes", "joins"),
    [
        (30 + TOGETHER, True),
        (30 + TOGETHER + 0.001, False),
        (20 - TOGETHER, True),
        (20 - TOGETHER - 0.001, False),
        (25, True),
    ],
    ids=["at-the-first-edge", "before-it", "at-the-last-edge", "behind-it", "between"],
)
def test_a_loss_joins_the_cause_it_shares_only_if_it_began_with_it(minutes, joins):
    began = operator_incident(member("a", 30), member("b", 20))
    others = [far("a", 30), far("b", 20), *(far(f"s{number}") for number in range(9))]
    found = gathered(far("n", minutes), *others, incidents=[began], new=["n"])
    if joins:
        assert found == [Join(incident_id=1, members=(member("n", minutes),), reason="same cause")]
    else:
        assert [type(one) for one in found] == [Open]
        assert found[0].cause == SharedCause(domain=Domain.GATEWAY, value="n")


def test_a_change_of_ours_gets_the_losses_of_its_gateways_whenever_they_begin():
    changed = incident([member("a", 300)], domain=Domain.WAVE, value="w", minutes=300)
    lost = (down("a", 300, wave="w"), down("n", 2, wave="w", cause=Cause.BACKHAUL))
    found = gathered(*lost, incidents=[changed], new=["n"])
    assert found == [Join(incident_id=1, members=(member("n", 2),), reason="same cause")]


def test_it_joins_only_a_cause_that_its_proof_allows():
    began = operator_incident(member("a", 10))
    serving = [far(f"s{number}") for number in range(9)]
    cut = far("n", 10, cause=Cause.POWER)
    found = gathered(cut, far("a", 10), *serving, incidents=[began], new=["n"])
    assert [type(one) for one in found] == [Open]


def test_another_operators_loss_does_not_join():
    began = operator_incident(member("a", 10))
    found = gathered(
        far("n", 10, backhaul_operator="P"), far("a", 10), far("s"), far("t"), incidents=[began], new=["n"]
    )
    assert found[0].cause == SharedCause(domain=Domain.GATEWAY, value="n")


@pytest.mark.parametrize("state", [IncidentState.ENDED, IncidentState.MERGED])
def test_what_is_not_open_is_not_joined(state):
    began = operator_incident(member("a", 10, back=5), state=state)
    found = gathered(far("n", 10), far("a"), far("s"), far("t"), incidents=[began])
    assert [type(one) for one in found] == [Open]


def test_an_incident_of_one_gateway_is_joined_by_explanation_only():
    alone = incident([member("a", 60)], minutes=60)
    found = gathered(far("n", 60), far("a", 60), far("s"), incidents=[alone], new=["n"])
    assert [type(one) for one in found] == [Open]


def test_three_of_an_operator_lost_together_are_one_incident():
    found = gathered(far("a", 2), far("b", 2.5), far("c", 3), far("d"))
    (opened,) = found
    assert (opened.cause, opened.reason) == (OPERATOR, "3/4")
    assert opened.members == (member("c", 3), member("b", 2.5), member("a", 2))


def test_silent_neighbours_are_evidence_and_no_members():
    overdue = [far(f"q{number}", last_word_us=NOW - SILENT_US) for number in range(3)]
    (opened,) = gathered(far("a", 2), *overdue)
    assert opened.cause == OPERATOR
    assert [one.eui for one in opened.members] == ["a"]


@pytest.mark.parametrize(
    ("last_word_us", "state", "counts"),
    [
        (NOW - SILENT_US, GatewayState.SERVING, True),
        (NOW - SILENT_US + 1, GatewayState.SERVING, False),
        (None, GatewayState.SERVING, False),
        (NOW - SILENT_US, GatewayState.DOWN, True),
        (NOW - SILENT_US, GatewayState.BUFFERING, True),
        (NOW - SILENT_US, GatewayState.UNKNOWN, False),
        (NOW - SILENT_US, GatewayState.MAINTENANCE, False),
        (NOW - SILENT_US, GatewayState.OUT, False),
    ],
)
def test_silent_is_overdue_by_two_heartbeats_and_not_announced(last_word_us, state, counts):
    found = silent(network(gateway("a", state, last_word_us=last_word_us)), NOW)
    assert found == ({"a": last_word_us} if counts else {})


def test_a_cause_found_later_explains_the_young_incidents_together():
    first = incident([member("a", 5)], number=4, minutes=3)
    second = incident([member("b", 4)], number=7, minutes=2)
    found = gathered(far("a", 5), far("b", 4), far("c", 3), far("d"), incidents=[second, first], new=["c"])
    assert found == [
        Absorb(incident_id=4, other_id=7, reason="3/4"),
        Join(incident_id=4, members=(member("c", 3),), reason="3/4"),
        Explain(incident_id=4, cause=OPERATOR, reason="3/4"),
    ]


@pytest.mark.parametrize(("minutes", "is_young"), [(YOUNG - 0.001, True), (YOUNG, False)])
def test_an_incident_is_explained_anew_for_ten_minutes(minutes, is_young):
    first = incident([member("a", 5)], minutes=minutes)
    found = gathered(far("a", 5), far("b", 4), far("c", 4), far("d"), incidents=[first], new=["b", "c"])
    assert ([type(one) for one in found] == [Join, Explain]) is is_young
    if not is_young:
        assert [type(one) for one in found] == [Open, Open]


def test_members_that_are_back_explain_nothing():
    first = incident([member("a", 5, back=1), member("e", 5, back=1)], minutes=3)
    gateways = [far("a"), far("e"), far("b", 4), *(far(f"s{number}") for number in range(3))]
    found = gathered(*gateways, incidents=[first])
    assert [type(one) for one in found] == [Open]


def test_a_cause_that_is_known_already_is_not_said_again():
    first = operator_incident(member("a", 5), member("b", 5), member("c", 5), minutes=3)
    bridge = far("q", last_word_us=NOW - round((5 + TOGETHER - 0.5) * MINUTE_US))
    early = far("n", 5 + TOGETHER + 0.5)
    found = gathered(far("a", 5), far("b", 5), far("c", 5), bridge, early, incidents=[first], new=["n"])
    assert found == [Join(incident_id=1, members=(member("n", 5 + TOGETHER + 0.5),), reason="5/5")]


def test_a_member_that_left_the_registry_is_no_evidence():
    first = incident([member("gone", 5)], minutes=3)
    found = gathered(far("a", 4), far("b"), incidents=[replace(first)])
    assert [type(one) for one in found] == [Open]


def test_an_incident_goes_with_the_first_of_two_causes_only():
    both = incident([member("a", 5), member("p", 5)], minutes=3)
    ours = [far("a", 5), far("b", 5), far("c", 5)]
    theirs = [far(eui, 5, backhaul_operator="P") for eui in ("p", "q", "r")]
    others = [far(f"s{number}", backhaul_operator="Q") for number in range(9)]
    found = gathered(*ours, *theirs, *others, incidents=[both], new=["b", "c", "q", "r"])
    assert [type(one) for one in found] == [Join, Explain, Open]
    assert (found[1].cause.value, found[2].cause.value) == ("P", "O")
    assert [one.eui for one in found[2].members] == ["b", "c"]
