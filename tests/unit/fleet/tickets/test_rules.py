"""The whole table: every state by every event."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.durations import HOUR_US
from fleet.tickets.clocks import (
    ClockVerdict,
    arrived_at_us,
    awaits_second_person,
    intervention,
    paused_us,
    resolution,
)
from fleet.tickets.model import (
    Acknowledge,
    Arrive,
    Close,
    Criticality,
    Depart,
    Event,
    Lapse,
    Merge,
    Note,
    Origin,
    Pause,
    PauseReason,
    Regrade,
    Relapse,
    Reopen,
    Restore,
    ResumeClocks,
    StepRefused,
    StopClocks,
    Ticket,
    TicketState,
)
from fleet.tickets.rules import LATE_LIMIT_US, step

T0 = 1_000 * HOUR_US
NOW = T0 + 3 * HOUR_US
PERSON = {"who": "Anne", "via": "page", "at_us": NOW}
MACHINE = {"who": "telemetry", "via": "telemetry", "at_us": NOW}

REPORTED = Ticket(
    id=1,
    incident_id=1,
    origin=Origin.TELEMETRY,
    title="Azay",
    state=TicketState.REPORTED,
    criticality=Criticality.CRITICAL,
    worst_criticality=Criticality.CRITICAL,
    resolution_limit_us=24 * HOUR_US,
    began_at_us=T0,
    reported_at_us=T0,
)
ACKNOWLEDGED = replace(
    REPORTED, state=TicketState.ACKNOWLEDGED, acknowledged_at_us=T0, acknowledged_by="Bob", progress_at_us=T0
)
EN_ROUTE = replace(ACKNOWLEDGED, state=TicketState.EN_ROUTE, en_route_at_us=T0)
ON_SITE = replace(EN_ROUTE, state=TicketState.ON_SITE, on_site_at_us=T0)
RESTORED = replace(REPORTED, state=TicketState.RESTORED, restored_at_us=T0)
CLOSED = replace(RESTORED, state=TicketState.CLOSED, closed_at_us=T0)
MERGED = replace(REPORTED, state=TicketState.MERGED, merged_into=9)
STATES = {one.state: one for one in (REPORTED, ACKNOWLEDGED, EN_ROUTE, ON_SITE, RESTORED, CLOSED, MERGED)}

EVENTS: dict[str, Event] = {
    "acknowledge": Acknowledge(**PERSON),
    "depart": Depart(**PERSON),
    "arrive": Arrive(**PERSON),
    "restore": Restore(**MACHINE),
    "restore by hand": Restore(**PERSON),
    "relapse": Relapse(**MACHINE),
    "relapse by hand": Relapse(**PERSON),
    "close": Close(**PERSON),
    "lapse": Lapse(**MACHINE),
    "stop": StopClocks(**PERSON, reason=PauseReason.WEATHER_DANGER),
    "resume": ResumeClocks(**PERSON),
    "regrade": Regrade(**MACHINE, criticality=Criticality.MINOR, reason="grade.gateway"),
    "reopen": Reopen(**PERSON, reason="early"),
    "merge": Merge(**PERSON, into=9),
    "note": Note(**PERSON, text="x"),
}

S = TicketState
TABLE: dict[str, dict[TicketState, TicketState]] = {
    "acknowledge": {S.REPORTED: S.ACKNOWLEDGED},
    "depart": {S.REPORTED: S.EN_ROUTE, S.ACKNOWLEDGED: S.EN_ROUTE},
    "arrive": {
        S.REPORTED: S.ON_SITE,
        S.ACKNOWLEDGED: S.ON_SITE,
        S.EN_ROUTE: S.ON_SITE,
        S.RESTORED: S.RESTORED,
    },
    "restore": dict.fromkeys((S.REPORTED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SITE), S.RESTORED),
    "restore by hand": {},
    "relapse": {S.RESTORED: S.REPORTED, S.CLOSED: S.REPORTED},
    "relapse by hand": {},
    "close": {S.RESTORED: S.CLOSED},
    "lapse": {S.ACKNOWLEDGED: S.REPORTED, S.EN_ROUTE: S.REPORTED},
    "stop": {one: one for one in (S.REPORTED, S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SITE)},
    "resume": {},
    "regrade": {one: one for one in S if one is not S.MERGED},
    "reopen": {S.CLOSED: S.RESTORED},
    "merge": {one: S.MERGED for one in S if one is not S.MERGED},
    "note": {one: one for one in S},
}


@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.parametrize("state", S)
def test_every_state_by_every_event(state: TicketState, name: str) -> None:
    after = step(STATES[state], EVENTS[name], NOW)
    wanted = TABLE[name].get(state)
    if wanted is None:
        assert isinstance(after, StepRefused)
    else:
        assert isinstance(after, Ticket)
        assert after.state is wanted


def test_a_relapse_goes_back_as_far_as_the_work_had_come() -> None:
    for before in (REPORTED, ACKNOWLEDGED, EN_ROUTE, ON_SITE):
        restored = step(before, EVENTS["restore"], NOW)
        assert isinstance(restored, Ticket)
        after = step(restored, EVENTS["relapse"], NOW)
        assert isinstance(after, Ticket)
        assert (after.state, after.restored_at_us) == (before.state, None)


def test_the_second_to_acknowledge_is_told_who_was_first() -> None:
    assert step(ACKNOWLEDGED, EVENTS["acknowledge"], NOW) == StepRefused(
        key="ticket.refused.taken", values=(("who", "Bob"),)
    )


@pytest.mark.parametrize(
    ("at_us", "kept_us"),
    [
        (NOW + HOUR_US, NOW),
        (T0 - HOUR_US, T0),
        (NOW - HOUR_US, NOW - HOUR_US),
        (NOW - LATE_LIMIT_US, T0),
        (NOW - LATE_LIMIT_US - 1, None),
    ],
)
def test_when_it_happened_lies_between_report_and_now(at_us: int, kept_us: int | None) -> None:
    after = step(REPORTED, Arrive(who="Anne", via="page", at_us=at_us), NOW)
    assert (after.on_site_at_us if isinstance(after, Ticket) else None) == kept_us


def test_an_upgrade_shortens_and_a_downgrade_never_extends() -> None:
    minor = replace(REPORTED, criticality=Criticality.MINOR, resolution_limit_us=48 * HOUR_US)
    up = step(minor, Regrade(**MACHINE, criticality=Criticality.CRITICAL, reason=""), NOW)
    assert isinstance(up, Ticket)
    assert up.resolution_limit_us == 24 * HOUR_US
    down = step(up, EVENTS["regrade"], NOW)
    assert isinstance(down, Ticket)
    assert (down.criticality, down.resolution_limit_us) == (Criticality.MINOR, 24 * HOUR_US)


def test_restoring_ends_a_pause() -> None:
    paused = step(REPORTED, EVENTS["stop"], NOW)
    assert isinstance(paused, Ticket)
    assert paused.paused
    restored = step(paused, EVENTS["restore"], NOW)
    assert isinstance(restored, Ticket)
    assert not restored.paused


@pytest.mark.parametrize(
    ("arrived_us", "left_us", "verdict"),
    [
        (4 * HOUR_US - 1, 1, ClockVerdict.MET),
        (4 * HOUR_US, 0, ClockVerdict.MET),
        (4 * HOUR_US + 1, -1, ClockVerdict.MISSED),
        (None, HOUR_US, ClockVerdict.RUNNING),
    ],
)
def test_four_hours_to_the_microsecond(arrived_us: int | None, left_us: int, verdict: ClockVerdict) -> None:
    at = None if arrived_us is None else T0 + arrived_us
    clock = intervention(replace(REPORTED, on_site_at_us=at), NOW)
    assert (clock.left_us, clock.verdict) == (left_us, verdict)


@pytest.mark.parametrize(
    ("at_us", "late", "confirmed_us", "counts", "awaits"),
    [
        (None, False, None, False, False),
        (NOW, False, None, True, False),
        (NOW, True, None, False, True),
        (NOW, True, NOW, True, False),
    ],
)
def test_an_arrival_that_is_entered_late_counts_once_a_second_person_confirms_it(
    at_us: int | None, late: bool, confirmed_us: int | None, counts: bool, awaits: bool
) -> None:
    ticket = replace(REPORTED, on_site_at_us=at_us, on_site_late=late, on_site_confirmed_at_us=confirmed_us)
    assert (arrived_at_us(ticket), awaits_second_person(ticket)) == (at_us if counts else None, awaits)


def test_restored_before_arrival_is_met_remotely_and_arriving_after_changes_nothing() -> None:
    restored = replace(REPORTED, state=S.RESTORED, restored_at_us=T0 + HOUR_US)
    assert intervention(restored, NOW).verdict is ClockVerdict.MET_REMOTELY
    arrived = replace(restored, on_site_at_us=T0 + 2 * HOUR_US)
    assert intervention(arrived, NOW).verdict is ClockVerdict.MET_REMOTELY
    assert resolution(arrived, NOW).verdict is ClockVerdict.MET


pauses = st.lists(
    st.tuples(st.integers(0, 50), st.integers(0, 20)).map(
        lambda pair: Pause(
            from_us=pair[0], until_us=pair[0] + pair[1], reason=PauseReason.ACCESS_REFUSED, who="Anne"
        )
    ),
    max_size=6,
)


@given(pauses, st.integers(0, 30), st.integers(30, 80))
def test_paused_time_is_what_counting_each_unit_gives(found: list[Pause], begin: int, end: int) -> None:
    counted = sum(any(one.from_us <= at < (one.until_us or 0) for one in found) for at in range(begin, end))
    assert paused_us(tuple(found), begin, end) == counted


steps = st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, HOUR_US)), max_size=12)


@given(steps)
def test_whatever_happens_the_record_is_coherent(found: list[tuple[str, int]]) -> None:
    ticket, now = REPORTED, T0
    for name, later in found:
        now += later
        after = step(ticket, replace(EVENTS[name], at_us=now), now)
        if isinstance(after, Ticket):
            assert after.reported_at_us == ticket.reported_at_us
            assert after.resolution_limit_us <= ticket.resolution_limit_us
            ticket = after
    if ticket.state is S.ON_SITE:
        assert ticket.on_site_at_us is not None
    if ticket.state in (S.ACKNOWLEDGED, S.EN_ROUTE, S.ON_SITE):
        assert ticket.acknowledged_by
    if ticket.state is S.CLOSED:
        assert ticket.on_site_at_us is None or ticket.report is not None


def test_a_clock_says_whether_it_runs_stands_or_is_missed() -> None:
    pause = Pause(from_us=T0 + HOUR_US, until_us=None, reason=PauseReason.WEATHER_DANGER, who="A")
    standing = replace(REPORTED, pauses=(pause,))
    assert intervention(REPORTED, NOW).verdict is ClockVerdict.RUNNING
    assert intervention(standing, NOW).verdict is ClockVerdict.PAUSED
    assert resolution(standing, NOW + 99 * HOUR_US).verdict is ClockVerdict.PAUSED
    assert intervention(REPORTED, T0 + 4 * HOUR_US).verdict is ClockVerdict.RUNNING
    assert intervention(REPORTED, T0 + 4 * HOUR_US + 1).verdict is ClockVerdict.MISSED


def test_the_gravest_criticality_stays_and_a_merged_ticket_stops_its_clocks():
    lowered = step(
        REPORTED,
        Regrade(who="t", via="t", at_us=T0, criticality=Criticality.MINOR, reason="grade.gateway"),
        T0,
    )
    assert isinstance(lowered, Ticket)
    assert (lowered.criticality, lowered.worst_criticality) == (Criticality.MINOR, Criticality.CRITICAL)
    assert lowered.shown_criticality is Criticality.MINOR
    merged = step(lowered, Merge(who="t", via="t", at_us=T0 + HOUR_US, into=2), T0 + HOUR_US)
    assert isinstance(merged, Ticket)
    assert merged.shown_criticality is Criticality.CRITICAL
    for clock in (intervention, resolution):
        soon, later = (clock(merged, T0 + hours * HOUR_US) for hours in (2, 200))
        assert soon == later
        assert soon.verdict is ClockVerdict.MERGED


def test_a_late_phone_never_closes_a_ticket_before_it_was_restored():
    restored = step(REPORTED, Restore(who="telemetry", via="telemetry", at_us=T0 + HOUR_US), T0 + HOUR_US)
    assert isinstance(restored, Ticket)
    closed = step(restored, Close(who="t", via="phone", at_us=T0 + HOUR_US - 30), T0 + 2 * HOUR_US)
    assert isinstance(closed, Ticket)
    assert closed.closed_at_us == T0 + HOUR_US
