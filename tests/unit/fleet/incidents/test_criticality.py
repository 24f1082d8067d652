"""How grave a loss is: by its consequence for communes and sensors, each limit from both sides."""

from dataclasses import replace

import pytest

from fleet.durations import HOUR_US
from fleet.facts.states import CommuneState
from fleet.incidents.criticality import BREACH_MARGIN_US, grade
from fleet.incidents.model import Grade
from fleet.tickets.model import Criticality
from tests.unit.fleet.incidents.networks import NOW, commune, down, gateway, network

C = Criticality


def graded(*communes, euis=("a",)):
    found = network(down("a", 2), gateway("b"))
    return grade(replace(found, communes={one.insee: one for one in communes}), euis)


def village(insee="37001", members=("a", "b", "c"), serving=("b", "c"), **values):
    return commune(insee, members=members, serving=serving, **values)


def test_a_commune_that_is_lost_is_critical_whatever_else():
    lost = village(state=CommuneState.LOST, serving=())
    assert graded(village("37002"), lost) == Grade(
        criticality=C.CRITICAL, reason="grade.lost", communes=("37001",)
    )


def test_a_breach_nearer_than_a_repair_is_critical():
    assert BREACH_MARGIN_US == 6 * HOUR_US
    near = graded(village(breach_at_us=NOW + BREACH_MARGIN_US - 1))
    assert (near.criticality, near.reason) == (C.CRITICAL, "grade.breach")
    assert graded(village(breach_at_us=NOW + BREACH_MARGIN_US)).criticality is C.MINOR
    assert graded(village(breach_at_us=None)).criticality is C.MINOR


@pytest.mark.parametrize(
    ("members", "serving", "criticality"),
    [
        (("a", "b"), ("b",), C.MAJOR),
        (("a", "b"), (), C.MAJOR),
        (("a", "b", "c"), ("b", "c"), C.MINOR),
        (("a",), (), C.MINOR),
    ],
    ids=["one-left", "none-left-but-not-lost", "two-left", "never-redundant"],
)
def test_lost_redundancy_is_major_where_there_was_some(members, serving, criticality):
    assert graded(village(members=members, serving=serving)).criticality is criticality


def test_sensors_that_nobody_else_hears_are_major():
    elsewhere = village("37009", members=("z",), serving=("z",), unheard_by=frozenset({"a"}))
    found = graded(village(), elsewhere)
    assert (found.criticality, found.reason, found.communes) == (C.MAJOR, "grade.sensors", ("37009",))
    assert graded(village(), elsewhere, euis=("b",)).reason == "grade.gateway"


def test_communes_are_named_the_largest_first_and_only_those_that_are_hit():
    small, large = village("37001", population=10), village("37002", population=20)
    equal, other = village("37000", population=10), village("37009", members=("z",), population=99)
    assert graded(small, other, large, equal).communes == ("37002", "37000", "37001")


def test_a_gateway_that_serves_no_commune_is_minor():
    assert graded(village(members=("z",))) == Grade(criticality=C.MINOR, reason="grade.gateway")
