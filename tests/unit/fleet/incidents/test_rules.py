"""What the cycle does about losses: each rule with the instants on both sides of its limit."""

from dataclasses import replace

import pytest

from fleet.durations import MINUTE_US
from fleet.facts.states import Cause, GatewayState
from fleet.incidents.model import (
    FLAP_EDGES,
    Attribute,
    Domain,
    End,
    Explain,
    Facts,
    Fail,
    IncidentState,
    Leave,
    Open,
    Recover,
    Regrade,
    SharedCause,
)
from fleet.incidents.rules import (
    LEFT_BEHIND_US,
    REOPEN_WINDOW_US,
    STABLE_US,
    confirmed,
    decide,
    revised,
    unexplained,
)
from fleet.tickets.model import Criticality
from tests.unit.fleet.incidents.networks import (
    NOW,
    down,
    gateway,
    incident,
    member,
    network,
)

S = GatewayState
CONFIRM_US = 90_000_000
CONFIRM_MINUTES = CONFIRM_US / MINUTE_US
STABLE_MINUTES = STABLE_US / MINUTE_US


def facts(*gateways, incidents=(), confirm_us=CONFIRM_US, **values):
    made = network(*gateways)
    return Facts(network=made, silence_confirmed_us=confirm_us, incidents=tuple(incidents), **values)


def decided(*gateways, **values):
    return decide(facts(*gateways, **values), NOW)


@pytest.mark.parametrize(
    ("state", "is_lost"),
    [
        (S.SERVING, False),
        (S.DOWN, True),
        (S.BUFFERING, True),
        (S.UNKNOWN, False),
        (S.MAINTENANCE, False),
        (S.OUT, False),
    ],
)
def test_a_loss_is_a_state_that_costs_the_contract(state, is_lost):
    found = confirmed(network(gateway("a", state)), CONFIRM_US, NOW)
    assert found == ({"a": NOW - 60 * MINUTE_US} if is_lost else {})


@pytest.mark.parametrize("confirm_us", [90_000_000, 300_000_000])
@pytest.mark.parametrize(("later_us", "is_confirmed"), [(0, True), (-1, False)])
def test_a_loss_is_confirmed_when_the_contract_says_so(confirm_us, later_us, is_confirmed):
    lost = gateway("a", S.DOWN, NOW - confirm_us - later_us)
    assert bool(confirmed(network(lost), confirm_us, NOW)) is is_confirmed
    assert bool(decided(lost, confirm_us=confirm_us)) is is_confirmed
    assert unexplained(facts(lost, confirm_us=confirm_us), NOW) is is_confirmed


def test_a_loss_is_explained_once_an_incident_has_it():
    lost = (down("a", 2), down("b", 2), gateway("c"))
    known = [incident([member("a")]), incident([member("b")], number=2)]
    assert unexplained(facts(*lost, incidents=known[:1]), NOW)
    assert not unexplained(facts(*lost, incidents=known), NOW)
    assert not unexplained(facts(gateway("c")), NOW)


def test_a_confirmed_loss_opens_one_incident_dated_to_the_last_proof():
    (opened,) = decided(down("a", 2), gateway("b"))
    assert isinstance(opened, Open)
    assert opened.cause == SharedCause(domain=Domain.GATEWAY, value="a")
    assert opened.members == (member("a", 2),)
    assert opened.grade.criticality is Criticality.MINOR


def test_a_loss_that_has_its_incident_opens_nothing():
    assert decided(down("a", 60), gateway("b"), incidents=[incident([member("a")])]) == ()


def test_nothing_to_do_is_no_action():
    assert decided(gateway("a")) == ()


@pytest.mark.parametrize("state", [S.UNKNOWN, S.MAINTENANCE, S.BUFFERING])
def test_only_serving_proves_a_return(state):
    assert decided(gateway("a", state, NOW - MINUTE_US), incidents=[incident([member("a")])]) == ()


def test_a_return_is_dated_to_its_proof_and_never_before_the_loss():
    since_us = NOW - 10_000_000
    back = gateway("a", since_us=since_us)
    assert decided(back, incidents=[incident([member("a")])]) == (
        Recover(incident_id=1, members=(replace(member("a"), restored_us=since_us),)),
    )
    before = gateway("a", since_us=NOW - 90 * MINUTE_US)
    (recovered,) = decided(before, incidents=[incident([member("a", 60)])])
    assert recovered.members == (member("a", 60, back=60),)


def test_a_member_that_falls_again_keeps_its_incident():
    found = decided(down("a", 3), gateway("b"), incidents=[incident([member("a", 60, back=30), member("b")])])
    assert found[:2] == (
        Recover(incident_id=1, members=(member("b", back=60),)),
        Fail(incident_id=1, members=(member("a", 3),)),
    )
    assert not any(isinstance(one, Open) for one in found)


def test_a_member_that_falls_again_is_confirmed_first():
    lost = down("a", CONFIRM_MINUTES / 2)
    assert decided(lost, incidents=[incident([member("a", 60, back=30)])]) == ()


@pytest.mark.parametrize("gateways", [[], [gateway("a", S.OUT)]], ids=["gone", "out"])
def test_a_member_that_counts_no_more_leaves(gateways):
    found = decided(*gateways, gateway("b"), incidents=[incident([member("a"), member("b")])])
    assert Leave(incident_id=1, euis=("a",), reason="withdrawn") in found


@pytest.mark.parametrize("state", [IncidentState.ENDED, IncidentState.MERGED])
def test_members_of_what_is_not_open_are_left_alone(state):
    assert decided(gateway("a"), incidents=[incident([member("a")], state=state)]) == ()


def test_a_loss_soon_after_the_end_opens_the_same_incident_again():
    feeder = {"domain": Domain.FEEDER, "value": "F", "state": IncidentState.ENDED}
    ended = incident([member("a", 60, back=10), member("b", 60, back=10)], **feeder)
    fed = {"power_feeder": "F"}
    found = decided(down("a", 2, **fed), down("b", 3, **fed), incidents=[ended])
    assert found == (Fail(incident_id=1, members=(member("a", 2), member("b", 3))),)


def test_one_of_many_lost_again_alone_is_its_own_incident():
    feeder = {"domain": Domain.FEEDER, "value": "F", "state": IncidentState.ENDED}
    fed = {"power_feeder": "F"}
    names = "abcde"
    ended = incident([member(eui, 60, back=10) for eui in names], **feeder)
    found = decided(down("a", 2, **fed), *(gateway(eui, **fed) for eui in names[1:]), incidents=[ended])
    assert [type(one) for one in found] == [Open]
    assert found[0].cause == SharedCause(domain=Domain.GATEWAY, value="a")


@pytest.mark.parametrize(
    ("proved", "cause", "goes_on"),
    [
        (Cause.LNS, Cause.POWER, False),
        (Cause.LNS, Cause.UNKNOWN, False),
        (Cause.LNS, Cause.LNS, True),
        (Cause.NONE, Cause.LNS, False),
        (Cause.NONE, Cause.POWER, True),
        (Cause.POWER, Cause.UNKNOWN, True),
        (Cause.POWER, Cause.BACKHAUL, False),
    ],
)
@pytest.mark.parametrize("state", [IncidentState.OPEN, IncidentState.ENDED])
def test_a_loss_of_another_cause_soon_after_is_its_own_incident(proved, cause, goes_on, state):
    before = incident([member("a", 60, back=0.1)], proved=proved, state=state)
    found = decided(down("a", 2, cause=cause), gateway("b"), incidents=[before])
    assert [type(one) for one in found if isinstance(one, Fail | Open)] == [Fail if goes_on else Open]
    if not goes_on:
        assert not any(isinstance(one, Fail | Attribute) for one in found)


def test_what_failed_otherwise_meanwhile_does_not_keep_an_incident_open():
    lns = incident([member("a", 60, back=10)], proved=Cause.LNS)
    power = incident([member("a", 5)], number=2, proved=Cause.POWER)
    found = decided(down("a", 5, cause=Cause.POWER), gateway("b"), incidents=[lns, power])
    assert found == (End(incident_id=1, at_us=NOW - 10 * MINUTE_US),)


@pytest.mark.parametrize("state", [IncidentState.OPEN, IncidentState.ENDED])
def test_a_loss_blamed_on_our_change_is_explained_anew_once_another_cause_is_proved_of_all(state):
    fed = {"power_feeder": "F", "wave": "w"}
    blamed = incident([member("a"), member("b")], domain=Domain.WAVE, value="w", state=state)
    gateways = (gateway("a", **fed), gateway("b", **fed), gateway("c"))
    cut = {"a": Cause.POWER, "b": Cause.POWER}
    found = list(revised(facts(*gateways, incidents=[blamed], turned_out=cut)))
    assert found == [
        Explain(incident_id=1, cause=SharedCause(domain=Domain.FEEDER, value="F"), reason="proved"),
        Attribute(incident_id=1, proved=Cause.POWER),
    ]
    assert list(revised(facts(*gateways, incidents=[blamed], turned_out={"a": Cause.POWER}))) == []
    assert list(revised(facts(*gateways[1:], incidents=[blamed], turned_out=cut))) == [], "a is not ours now"
    other = replace(blamed, cause=SharedCause(domain=Domain.COMMUNE, value="c-a"))
    assert list(revised(facts(*gateways, incidents=[other], turned_out=cut))) == []


def test_a_member_that_falls_again_by_what_its_incident_cannot_explain_is_its_own_incident():
    fed = {"power_feeder": "F"}
    members = [member("a", 60, back=30), member("b", 60)]
    feeder = incident(members, domain=Domain.FEEDER, value="F")
    found = decided(
        down("a", 3, cause=Cause.BACKHAUL, **fed), down("b", 60, **fed), gateway("c"), incidents=[feeder]
    )
    opened = [one for one in found if isinstance(one, Fail | Open)]
    assert [(type(one), one.members) for one in opened] == [(Open, (member("a", 3),))]


def test_a_gateway_in_quarantine_that_serves_is_no_loss_that_is_over():
    kept = incident([member("a")], domain=Domain.QUARANTINE, value="a")
    held = gateway("a", quarantine="burst", quarantine_since_us=NOW - 60 * MINUTE_US)
    assert decided(held, down("b", 60), incidents=[kept, incident([member("b")], number=2)]) == ()


def test_the_waits_that_people_were_promised():
    assert (STABLE_US, REOPEN_WINDOW_US) == (30_000_000, 30 * MINUTE_US)
    assert LEFT_BEHIND_US == 15 * MINUTE_US


def test_what_is_proved_later_revises_the_cause_once():
    known = incident([member("a", 60)], proved=Cause.UNKNOWN)
    found = decided(down("a", 60, cause=Cause.POWER), gateway("b"), incidents=[known])
    assert found == (Attribute(incident_id=1, proved=Cause.POWER),)
    known = incident([member("a", 60)], proved=Cause.POWER)
    for cause in (Cause.POWER, Cause.UNKNOWN):
        assert decided(down("a", 60, cause=cause), gateway("b"), incidents=[known]) == ()


def test_a_merged_incident_is_not_opened_again():
    merged = incident([member("a", 60, back=10)], state=IncidentState.MERGED)
    assert [type(one) for one in decided(down("a", 2), gateway("b"), incidents=[merged])] == [Open]


def test_an_open_incident_wins_over_one_that_ended():
    ended = incident([member("a", 90, back=80)], state=IncidentState.ENDED)
    still = incident([member("a", 20)], number=2)
    assert decided(down("a", 20), gateway("b"), incidents=[ended, still]) == ()


@pytest.mark.parametrize(("back", "is_over"), [(STABLE_MINUTES, True), (STABLE_MINUTES * 0.99, False)])
def test_it_ends_once_all_have_served_for_thirty_seconds(back, is_over):
    members = [member("a", 60, back=20), member("b", 60, back=back)]
    found = decided(gateway("a"), gateway("b"), incidents=[incident(members)])
    assert found == ((End(incident_id=1, at_us=members[1].restored_us),) if is_over else ())


@pytest.mark.parametrize("state", [S.UNKNOWN, S.MAINTENANCE, S.DOWN, S.BUFFERING])
def test_it_does_not_end_while_a_member_is_anything_but_serving(state):
    members = [member("a", 60, back=20), member("b", 60, back=20)]
    young = gateway("b", state, NOW - CONFIRM_US // 2)
    assert decided(gateway("a"), young, incidents=[incident(members)]) == ()


def test_it_does_not_end_while_one_fails():
    members = [member("a", 60, back=20), member("b", 60)]
    assert decided(gateway("a"), down("b", 60), incidents=[incident(members)]) == ()


def test_without_members_it_ends_now():
    assert decided(gateway("x"), incidents=[incident([], value="x")]) == (End(incident_id=1, at_us=NOW),)


def test_members_that_are_gone_do_not_keep_it_open():
    found = decided(gateway("b"), incidents=[incident([member("a", back=9), member("b", back=9)])])
    assert End(incident_id=1, at_us=NOW - 9 * MINUTE_US) in found


def test_what_flaps_does_not_end_and_opens_its_own_incident():
    edges = {"a": FLAP_EDGES}
    members = [member("a", 60, back=20)]
    assert decided(gateway("a"), incidents=[incident(members)], edges=edges) == ()
    (opened,) = decided(gateway("a"), edges=edges)
    assert isinstance(opened, Open)
    assert opened.reason == f"flaps {FLAP_EDGES}"
    assert [type(one) for one in decided(down("a", 2), gateway("b"), edges=edges)] == [Open]


def test_a_return_does_not_make_the_loss_less_grave():
    grave = incident([member("a")], criticality=Criticality.CRITICAL)
    assert [type(one) for one in decided(gateway("a"), incidents=[grave])] == [Recover]


def test_a_graver_consequence_regrades_what_is_open():
    alone = down("a", 60, commune_insee="37001")
    beside = gateway("b", commune_insee="37001")
    (regraded,) = decided(alone, beside, incidents=[incident([member("a")])])
    assert isinstance(regraded, Regrade)
    assert regraded.grade.criticality is Criticality.MAJOR
    assert regraded.grade.communes == ("37001",)
