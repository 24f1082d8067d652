"""The just-in-time queue: every rule at its limit."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.downlink.jit import (
    ASAP_LEAD_US,
    BEACON_GUARD_US,
    BEACON_RESERVED_US,
    MARGIN_US,
    MAX_ADVANCE_US,
    MIN_LEAD_US,
    PACKET_GAP_US,
    PROGRAM_AHEAD_US,
    QUEUE_LIMIT,
    START_DELAY_US,
    Entry,
    EntryKind,
    JitQueue,
    Scheduled,
    SchedulingRefused,
    cancel,
    due,
    next_due_us,
    schedule,
)
from agent.downlink.jit import (
    insert as put,
)
from agent.downlink.model import Code
from agent.wire import reasons
from agent.wire.reasons import Reason
from hal.packets import Lora, Transmission
from hal.units import Hz

NOW = 1_000_000_000
AIR = 50_000


def entry(
    start_us: int, kind: EntryKind = EntryKind.CLASS_A, ticket: int = 1, airtime_us: int = AIR
) -> Entry:
    transmission = Transmission(
        payload=b"x", modulation=Lora(sf=7), frequency_hz=Hz(868_100_000), power_dbm=14
    )
    return Entry(
        ticket=ticket, kind=kind, start_us=start_us, airtime_us=airtime_us, transmission=transmission
    )


def insert(queue: JitQueue, scheduled: Entry) -> JitQueue:
    return put(queue, Scheduled(entry=scheduled))


def code(queue: JitQueue, wanted: Entry) -> Code:
    scheduled = schedule(queue, wanted, NOW)
    return scheduled.code if isinstance(scheduled, SchedulingRefused) else Code.OK


def test_the_last_instant_is_at_most_40_ms_before_the_start() -> None:
    assert MIN_LEAD_US <= 40_000


@pytest.mark.parametrize(
    ("ahead_us", "expected"),
    [
        (-1_000_000, Code.TOO_LATE),
        (0, Code.TOO_LATE),
        (MIN_LEAD_US - 1, Code.TOO_LATE),
        (MIN_LEAD_US, Code.OK),
        (MAX_ADVANCE_US, Code.OK),
        (MAX_ADVANCE_US + 1, Code.TOO_EARLY),
    ],
)
def test_too_late_and_too_early(ahead_us: int, expected: Code) -> None:
    assert code(JitQueue(), entry(NOW + ahead_us)) is expected


def why(queue: JitQueue, wanted: Entry) -> Reason:
    refused = schedule(queue, wanted, NOW)
    assert isinstance(refused, SchedulingRefused)
    return refused.reason


@pytest.mark.parametrize(
    ("ahead_us", "expected"),
    [
        (-1, reasons.downlink.already_past(late_us=1, least_us=MIN_LEAD_US)),
        (0, reasons.downlink.too_soon(ahead_us=0, least_us=MIN_LEAD_US)),
        (1, reasons.downlink.too_soon(ahead_us=1, least_us=MIN_LEAD_US)),
    ],
)
def test_too_late_says_whether_the_instant_has_passed(ahead_us: int, expected: Reason) -> None:
    assert why(JitQueue(), entry(NOW + ahead_us)) == expected


GAP = AIR + PACKET_GAP_US


def test_a_collision_names_what_is_there() -> None:
    start_us = NOW + 1_000_000
    beacon = insert(JitQueue(), entry(start_us, EntryKind.BEACON))
    assert why(beacon, entry(start_us)) == reasons.downlink.beacon_there(start_us=start_us)
    packet = insert(JitQueue(), entry(start_us, airtime_us=70_000))
    expected = reasons.downlink.downlink_there(start_us=start_us, airtime_us=70_000)
    assert why(packet, entry(start_us)) == expected


def test_a_class_b_downlink_guards_nothing_against_class_a() -> None:
    queue = insert(JitQueue(), entry(NOW + 5_000_000, EntryKind.CLASS_B))
    assert code(queue, entry(NOW + 5_000_000 + GAP)) is Code.OK
    assert code(queue, entry(NOW + 5_000_000 - GAP)) is Code.OK


@pytest.mark.parametrize(
    ("apart_us", "expected"),
    [
        (0, Code.COLLISION_PACKET),
        (GAP - 1, Code.COLLISION_PACKET),
        (GAP, Code.OK),
        (1 - GAP, Code.COLLISION_PACKET),
        (-GAP, Code.OK),
    ],
)
def test_collision_with_a_packet(apart_us: int, expected: Code) -> None:
    queue = insert(JitQueue(), entry(NOW + 1_000_000))
    assert code(queue, entry(NOW + 1_000_000 + apart_us)) is expected


def test_the_programmed_packet_is_in_the_way_until_it_is_over() -> None:
    queue = JitQueue(programmed=entry(NOW + 40_000))
    assert code(queue, entry(NOW + 60_000)) is Code.COLLISION_PACKET
    assert code(queue, entry(NOW + 40_000 + GAP)) is Code.OK


@pytest.mark.parametrize(
    ("kind", "before_us", "expected"),
    [
        (EntryKind.CLASS_A, GAP - 1, Code.COLLISION_BEACON),
        (EntryKind.CLASS_A, GAP, Code.OK),
        (EntryKind.CLASS_B, BEACON_GUARD_US, Code.COLLISION_BEACON),
        (EntryKind.CLASS_B, BEACON_GUARD_US + GAP, Code.OK),
    ],
)
def test_only_class_b_keeps_off_the_beacon_guard(kind: EntryKind, before_us: int, expected: Code) -> None:
    beacon_us = NOW + 10_000_000
    queue = insert(JitQueue(), entry(beacon_us, EntryKind.BEACON))
    assert code(queue, entry(beacon_us - before_us, kind)) is expected


@pytest.mark.parametrize(
    ("after_us", "expected"),
    [
        (BEACON_RESERVED_US + PACKET_GAP_US - 1, Code.COLLISION_BEACON),
        (BEACON_RESERVED_US + PACKET_GAP_US, Code.OK),
    ],
)
def test_the_beacon_reserves_its_time(after_us: int, expected: Code) -> None:
    beacon_us = NOW + 10_000_000
    queue = insert(JitQueue(), entry(beacon_us, EntryKind.BEACON))
    assert code(queue, entry(beacon_us + after_us)) is expected


def test_class_c_leaves_at_once_or_in_the_first_gap() -> None:
    free = schedule(JitQueue(), entry(0, EntryKind.CLASS_C), NOW)
    assert isinstance(free, Scheduled)
    assert free.entry.start_us == NOW + ASAP_LEAD_US
    after = schedule(JitQueue(programmed=entry(NOW - 40_000)), entry(0, EntryKind.CLASS_C), NOW)
    assert isinstance(after, Scheduled)
    assert after.entry.start_us == NOW + ASAP_LEAD_US, "never with less than the lead"
    queue = insert(JitQueue(), entry(NOW + ASAP_LEAD_US))
    queue = insert(queue, entry(NOW + ASAP_LEAD_US + AIR + 30_000, ticket=2))
    gap = schedule(queue, entry(0, EntryKind.CLASS_C), NOW)
    assert isinstance(gap, Scheduled)
    assert gap.entry.start_us > NOW + ASAP_LEAD_US + AIR + 30_000 + AIR


@pytest.mark.parametrize(("queued", "expected"), [(QUEUE_LIMIT - 1, Code.OK), (QUEUE_LIMIT, Code.QUEUE_FULL)])
def test_a_full_queue_says_so(queued: int, expected: Code) -> None:
    queue = JitQueue()
    for n in range(queued):
        queue = insert(queue, entry(NOW + 1_000_000 * (n + 1), ticket=n))
    assert code(queue, entry(NOW + 500_000_000)) is expected


def test_a_packet_is_programmed_50_ms_ahead_one_at_a_time() -> None:
    queue = insert(JitQueue(), entry(NOW + 100_000, ticket=1))
    queue = insert(queue, entry(NOW + 100_000 + GAP, ticket=2))
    assert next_due_us(queue) == NOW + 100_000 - PROGRAM_AHEAD_US
    assert due(queue, NOW + 100_000 - PROGRAM_AHEAD_US - 1)[1] is None
    queue, first, missed = due(queue, NOW + 100_000 - PROGRAM_AHEAD_US)
    assert first is not None
    assert (first.ticket, missed) == (1, ())
    busy_until = next_due_us(queue)
    assert busy_until == first.end_us + MARGIN_US + 1
    assert due(queue, busy_until - 1)[1] is None
    second = due(queue, busy_until)[1]
    assert second is not None
    assert second.ticket == 2


def test_what_was_slept_through_is_given_back_as_missed() -> None:
    queue = insert(insert(JitQueue(), entry(NOW, ticket=1)), entry(NOW + 500_000, ticket=2))
    queue, ready, missed = due(queue, NOW + 460_000)
    assert ([gone.ticket for gone in missed], ready and ready.ticket) == ([1], 2)
    assert next_due_us(queue) is None


@pytest.mark.parametrize("ahead_us", [0, START_DELAY_US - 1, START_DELAY_US])
def test_an_instant_that_the_start_delay_no_longer_reaches_is_missed(ahead_us: int) -> None:
    queue = insert(JitQueue(), entry(NOW + ahead_us))
    _, ready, missed = due(queue, NOW)
    reached = ahead_us >= START_DELAY_US
    assert (ready is not None, len(missed)) == (reached, 0 if reached else 1)


def test_a_cancelled_entry_is_gone() -> None:
    queue = insert(insert(JitQueue(), entry(NOW, ticket=1)), entry(NOW + 500_000, ticket=2))
    assert [left.ticket for left in cancel(queue, 1).entries] == [2]


@given(
    st.lists(
        st.tuples(st.integers(0, 3_000_000), st.integers(1_000, 400_000), st.sampled_from(EntryKind)),
        max_size=40,
    )
)
def test_whatever_is_asked_no_two_accepted_packets_overlap(asked: list[tuple[int, int, EntryKind]]) -> None:
    queue = JitQueue()
    for ticket, (ahead_us, airtime_us, kind) in enumerate(asked):
        scheduled = schedule(queue, entry(NOW + ahead_us, kind, ticket, airtime_us), NOW)
        if isinstance(scheduled, Scheduled):
            queue = put(queue, scheduled)
    ordered = queue.entries
    for before, after in itertools.pairwise(ordered):
        assert after.start_us - before.end_us >= PACKET_GAP_US
    assert len(ordered) <= QUEUE_LIMIT


@pytest.mark.parametrize(
    ("queued", "wanted", "expected"),
    [(1, 1, Code.COLLISION_PACKET), (1, 2, Code.OK), (2, 1, Code.COLLISION_PACKET)],
)
def test_a_higher_priority_displaces_what_is_queued(queued: int, wanted: int, expected: Code) -> None:
    queue = insert(JitQueue(), replace(entry(NOW + 1_000_000), priority=queued))
    scheduled = schedule(queue, replace(entry(NOW + 1_000_000, ticket=2), priority=wanted), NOW)
    assert (scheduled.code if isinstance(scheduled, SchedulingRefused) else Code.OK) is expected
    if isinstance(scheduled, Scheduled):
        assert [gone.ticket for gone in scheduled.displaced] == [1]
        assert [left.ticket for left in put(queue, scheduled).entries] == [2]


def test_what_the_chip_holds_is_not_displaced() -> None:
    queue = JitQueue(programmed=entry(NOW + 40_000))
    assert code(queue, replace(entry(NOW + 50_000), priority=9)) is Code.COLLISION_PACKET
