"""The part of each member within a window, and when all were away or all but one."""

import pytest

from fleet.availability.members import any_away, depths, parts
from fleet.availability.timeline import Span, Timeline
from fleet.facts.model import Membership
from fleet.facts.months import Window
from fleet.facts.states import GatewayState

WINDOW = Window(0, 100)


def line(eui, *away, start=0, end=100):
    return Timeline(
        eui=eui, start_us=start, end_us=end, exceptions=tuple(Span(*span, GatewayState.DOWN) for span in away)
    )


def membership(eui, start=0, end=None):
    return Membership(
        id=f"{eui}{start}",
        commune_insee="x",
        eui=eui,
        valid_from_us=start,
        valid_to_us=end,
        approved_by="x",
        recorded_at_us=0,
    )


@pytest.mark.parametrize(
    ("valid", "known", "outside"),
    [
        ([(0, None)], (0, 100), []),
        ([(-5, 200)], (-5, 200), []),
        ([(1, None)], (0, 100), [(0, 1)]),
        ([(0, 99)], (0, 100), [(99, 100)]),
        ([(0, None)], (1, 100), [(0, 1)]),
        ([(0, None)], (0, 99), [(99, 100)]),
        ([(0, 40), (60, None)], (0, 100), [(40, 60)]),
        ([(0, 40), (30, 80)], (0, 100), [(80, 100)]),
        ([(20, 30)], (25, 100), [(0, 25), (30, 100)]),
    ],
)
def test_a_member_is_away_when_it_is_none_and_when_nothing_is_known_of_it(valid, known, outside):
    rows = [membership("a", *one) for one in valid]
    (member,) = parts(rows, {"a": line("a", start=known[0], end=known[1])}, WINDOW)
    assert list(member.outside) == outside
    assert any_away([member], WINDOW) == outside
    assert depths([member], WINDOW)[0] == outside


def test_who_is_a_member_at_another_time_or_has_no_timeline_is_none():
    rows = [membership("b"), membership("a", 100), membership("c", -9, 0)]
    assert parts(rows, {"a": line("a"), "c": line("c")}, WINDOW) == []


def test_members_stand_in_the_order_of_their_euis():
    rows = [membership("b"), membership("a")]
    assert [one.eui for one in parts(rows, {"a": line("a"), "b": line("b")}, WINDOW)] == ["a", "b"]


@pytest.mark.parametrize(
    ("lines", "none_serving", "below_two"),
    [
        ([[]], [], [(0, 100)]),
        ([[(10, 20)]], [(10, 20)], [(0, 100)]),
        ([[(10, 20)], []], [], [(10, 20)]),
        ([[(10, 20)], [(15, 30)]], [(15, 20)], [(10, 30)]),
        ([[(10, 20)], [(20, 30)]], [], [(10, 30)]),
        ([[(10, 20)], [(10, 20)]], [(10, 20)], [(10, 20)]),
        ([[(10, 20)], [(15, 30)], []], [], [(15, 20)]),
        ([[(10, 50)], [(20, 60)], [(30, 40)]], [(30, 40)], [(20, 50)]),
        ([[(0, 100)], [(0, 100)]], [(0, 100)], [(0, 100)]),
        ([[(10, 20), (20, 30)], []], [], [(10, 30)]),
    ],
)
def test_how_many_were_away_at_once(lines, none_serving, below_two):
    names = "abc"[: len(lines)]
    known = {eui: line(eui, *away) for eui, away in zip(names, lines, strict=True)}
    members = parts([membership(eui) for eui in names], known, WINDOW)
    assert depths(members, WINDOW) == (none_serving, below_two)
