"""Communes: the rule by hand and instant by instant, the cap, members that come and go."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.availability.communes import OVER_THE_CAP, commune_timeline, members_of
from fleet.availability.timeline import Span, Timeline
from fleet.facts.intervals import total
from fleet.facts.model import Membership
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS, Serving
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.simulation.second_reading import commune as second_reading

END = 1000
WINDOW = Window(0, END)
STATES = [state for state in GatewayState if state is not GatewayState.SERVING]


def line(eui, *spans, end=END):
    return Timeline(eui=eui, start_us=0, end_us=end, exceptions=tuple(spans))


def member(eui, start=0, end=None, **more):
    return Membership(
        id=f"{eui}/{start}",
        commune_insee="37015",
        eui=eui,
        valid_from_us=start,
        valid_to_us=end,
        approved_by=more.pop("approved_by", "x"),
        recorded_at_us=0,
        **more,
    )


def down(start, end, cause=Cause.POWER, state=GatewayState.DOWN):
    return Span(start, end, state, cause)


def of(*lines, members=None, window=WINDOW, contract=DEFAULTS, allowed=None):
    known = {one.eui: one for one in lines}
    members = members or [member(eui) for eui in known]
    allowed = [(window.start_us, window.end_us)] if allowed is None else allowed
    return commune_timeline("37015", members, known, window, contract, allowed=allowed)


def shown(line):
    return [(s.start_us, s.end_us, str(s.state), str(s.cause), s.eui) for s in line.exceptions]


def test_lost_only_while_all_are_away_and_the_last_one_gives_the_cause():
    told = of(line("a", down(100, 500)), line("b", down(300, 700, Cause.BACKHAUL)))
    assert shown(told) == [(300, 500, "LOST", "backhaul", "b")]
    assert told.below_two == ((100, 700),)


def test_one_member_is_never_redundant():
    assert of(line("a")).below_two == ((0, END),)


def test_no_member_is_not_covered():
    told = commune_timeline("37015", (), {}, WINDOW, DEFAULTS)
    assert shown(told) == [(0, END, "NOT_COVERED", "none", "")]


def test_a_member_without_a_timeline_does_not_count():
    assert shown(of(line("a"), members=[member("ghost")]))[0][2] == "NOT_COVERED"


def test_members_come_and_go():
    members = [member("a", 0, 400), member("b", 600)]
    told = of(line("a", down(300, 1000)), line("b", down(0, 650)), members=members)
    assert [(s, e, state) for s, e, state, _, _ in shown(told)] == [
        (300, 400, "LOST"),
        (400, 600, "NOT_COVERED"),
        (600, 650, "LOST"),
    ]


def test_the_newest_revision_of_a_membership_counts_and_unapproved_ones_do_not():
    old, new = member("a"), replace(member("a"), withdrawn=True, recorded_at_us=1)
    assert members_of([new, old, member("b", approved_by="")]) == {}


def test_maintenance_beyond_what_works_may_exclude_is_lost():
    works = down(100, 300, Cause.OURS, GatewayState.MAINTENANCE)
    told = of(line("a", works), allowed=[(0, 150), (200, 1000)])
    assert [(s.start_us, s.end_us, s.state, s.reason) for s in told.exceptions] == [
        (100, 150, CommuneState.EXCLUDED, ""),
        (150, 200, CommuneState.LOST, OVER_THE_CAP),
        (200, 300, CommuneState.EXCLUDED, ""),
    ]
    assert of(line("a", works), allowed=[]).exceptions[0].state is CommuneState.LOST


def test_all_must_serve_when_the_contract_says_so():
    contract = replace(DEFAULTS, serving=Serving.ALL)
    told = of(
        line("a", down(100, 200)), line("b", down(150, 300, state=GatewayState.UNKNOWN)), contract=contract
    )
    assert [(s, e, state) for s, e, state, _, _ in shown(told)] == [(100, 200, "LOST"), (200, 300, "UNKNOWN")]


@st.composite
def lines(draw):
    found = []
    for eui in draw(st.sampled_from([["a"], ["a", "b"], ["a", "b", "c"]])):
        cuts = sorted(draw(st.sets(st.integers(0, END), max_size=8)))
        spans = [
            Span(start, end, draw(st.sampled_from(STATES)))
            for start, end in pairwise(cuts)
            if draw(st.booleans())
        ]
        found.append(line(eui, *spans))
    return found


@pytest.mark.slow
@given(lines(), st.data())
@settings(deadline=None, max_examples=80)
def test_equals_the_rule_read_instant_by_instant(given_lines, data):
    members = []
    for one in given_lines:
        start = data.draw(st.integers(0, END))
        members.append(member(one.eui, start, data.draw(st.none() | st.integers(start, END))))
    told = of(*given_lines, members=members)
    spans = told.spans
    assert [a.end_us for a in spans[:-1]] == [b.start_us for b in spans[1:]]
    assert total([(s.start_us, s.end_us) for s in spans]) == END
    for at in range(0, END, 7):
        here = [
            next(s.state for s in one.spans if s.start_us <= at < s.end_us)
            for one, m in zip(given_lines, members, strict=True)
            if m.valid_from_us <= at and (m.valid_to_us is None or at < m.valid_to_us)
        ]
        state = next(s.state for s in spans if s.start_us <= at < s.end_us)
        assert state is second_reading(here)
        below = any(start <= at < end for start, end in told.below_two)
        assert below is (here.count(GatewayState.SERVING) < 2)


@pytest.mark.parametrize(
    ("state", "commune"),
    [
        (GatewayState.DOWN, "LOST"),
        (GatewayState.BUFFERING, "LOST"),
        (GatewayState.UNKNOWN, "UNKNOWN"),
        (GatewayState.MAINTENANCE, "EXCLUDED"),
    ],
)
def test_where_all_must_serve_one_that_does_not_decides(state, commune):
    contract = replace(DEFAULTS, serving=Serving.ALL)
    found = of(line("a"), line("b", down(100, 300, state=state)), contract=contract)
    assert shown(found) == [(100, 300, commune, "power", "b")]
    graver = line("c", down(200, 300, Cause.BOX, GatewayState.BUFFERING))
    both = of(line("a"), line("b", down(100, 300, state=state)), graver, contract=contract)
    assert shown(both)[-1] == (200, 300, "LOST", "box", "c")
