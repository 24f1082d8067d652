"""Gateways that come and go: one incident, graded by the pace at which the month burns."""

from dataclasses import replace

import pytest

from fleet.facts.states import CommuneState, GatewayState
from fleet.incidents.flaps import flap_grade, flapping, open_flaps, regrades
from fleet.incidents.model import (
    FLAP_EDGES,
    FLAP_WINDOW_US,
    Domain,
    Facts,
    Grade,
    IncidentState,
    Regrade,
    SharedCause,
)
from fleet.tickets.model import Criticality
from tests.unit.fleet.incidents.networks import commune, down, gateway, incident, member, network

VILLAGE = [gateway("a", commune_insee="37001"), gateway("b", commune_insee="37001")]


def facts(*gateways, incidents=(), **values):
    return Facts(
        network=network(*gateways), silence_confirmed_us=90_000_000, incidents=tuple(incidents), **values
    )


@pytest.mark.parametrize(("edges", "flaps"), [(3, False), (4, True), (5, True)])
def test_four_edges_are_flapping(edges, flaps):
    assert flapping(facts(gateway("a"), edges={"a": edges})) == (frozenset({"a"}) if flaps else frozenset())


def test_a_commune_or_a_gateway_that_is_gone_does_not_flap():
    assert flapping(facts(gateway("a"), edges={"commune/37001": 9, "gone": 9})) == frozenset()


def test_each_gets_its_own_incident_and_is_back_if_it_serves():
    found = facts(gateway("b", since_us=5), down("a", 2), edges={"a": 4, "b": 6})
    first, second = open_flaps(found, {"b", "a"})
    assert (first.cause, first.reason) == (SharedCause(domain=Domain.GATEWAY, value="a"), "flaps 4")
    assert first.members == (member("a", 2),)
    assert (second.cause.value, second.reason) == ("b", "flaps 6")
    assert (second.members[0].since_us, second.members[0].restored_us) == (5, 5)


def test_a_state_that_proves_nothing_is_no_return():
    (opened,) = open_flaps(facts(gateway("a", GatewayState.UNKNOWN, 5), edges={"a": 4}), {"a"})
    assert opened.members[0].restored_us is None


def test_without_a_burning_month_it_is_as_grave_as_nothing():
    found = facts(*VILLAGE, gateway("c"))
    assert flap_grade(found, ["a"]) == Grade(
        criticality=Criticality.MINOR, reason="grade.flaps", communes=("37001",)
    )


def test_it_is_as_grave_as_the_worst_burning_commune_it_serves():
    burning = {"37001": Criticality.MAJOR, "c-c": Criticality.CRITICAL, "c-d": Criticality.CRITICAL}
    found = facts(*VILLAGE, gateway("c"), gateway("d"), burning=burning)
    assert flap_grade(found, ["a"]) == Grade(
        criticality=Criticality.MAJOR, reason="grade.burn", communes=("37001",)
    )
    both = flap_grade(found, ["a", "c"])
    assert (both.criticality, both.communes) == (Criticality.CRITICAL, ("37001", "c-c"))


def regraded(found, flaps=frozenset()):
    return list(regrades(found, frozenset(flaps)))


def test_what_flaps_is_graded_by_its_pace_and_not_by_the_instant():
    gateways = [down("a", 2, commune_insee="37001"), VILLAGE[1]]
    minor = incident([member("a", 2)])
    (by_instant,) = regraded(facts(*gateways, incidents=[minor]))
    assert (by_instant.grade.criticality, by_instant.grade.reason) == (Criticality.MAJOR, "grade.redundancy")
    burning = {"37001": Criticality.CRITICAL}
    (by_pace,) = regraded(facts(*gateways, incidents=[minor], burning=burning), {"a"})
    assert (by_pace.grade.criticality, by_pace.grade.reason) == (Criticality.CRITICAL, "grade.burn")
    assert regraded(facts(*gateways, incidents=[replace(minor, communes=("37001",))]), {"a"}) == []


def test_of_pace_and_consequence_the_graver_one_counts():
    lost = replace(commune("c-x", members=("x",)), state=CommuneState.LOST)
    gateways = [gateway("a", commune_insee="37001"), VILLAGE[1], down("x", 9)]
    both = incident([member("a", 2), member("x", 9)])
    found = replace(
        facts(incidents=[both], burning={"37001": Criticality.MAJOR}), network=network(*gateways, lost=lost)
    )
    (graver,) = regraded(found, {"a"})
    assert (graver.grade.criticality, graver.grade.reason) == (Criticality.CRITICAL, "grade.lost")


def test_a_grade_never_falls_and_remembers_its_communes():
    gateways = [down("a", 60, commune_insee="37001"), VILLAGE[1]]
    critical = incident([member("a")], criticality=Criticality.CRITICAL, communes=("37009",))
    (kept,) = regraded(facts(*gateways, incidents=[critical]))
    assert kept == Regrade(
        incident_id=1,
        grade=Grade(criticality=Criticality.MAJOR, reason="grade.redundancy", communes=("37009",)),
    )
    major = replace(critical, criticality=Criticality.MAJOR)
    (added,) = regraded(facts(*gateways, incidents=[major]))
    assert added.grade.communes == ("37009", "37001")
    assert regraded(facts(*gateways, incidents=[replace(major, communes=("37009", "37001"))])) == []
    minor = replace(critical, criticality=Criticality.MINOR)
    (grown,) = regraded(facts(*gateways, incidents=[minor]))
    assert grown.grade.communes == ("37001",)


@pytest.mark.parametrize("state", [IncidentState.ENDED, IncidentState.MERGED])
def test_only_open_incidents_are_regraded(state):
    gateways = [down("a", 60, commune_insee="37001"), VILLAGE[1]]
    assert regraded(facts(*gateways, incidents=[incident([member("a")], state=state)])) == []


def test_an_incident_whose_members_are_all_back_keeps_its_grade():
    assert regraded(facts(*VILLAGE, incidents=[incident([member("a", back=1)])])) == []


def test_four_edges_within_half_an_hour_are_one_incident_as_the_design_says():
    assert (FLAP_EDGES, FLAP_WINDOW_US) == (4, 30 * 60 * 1_000_000)
