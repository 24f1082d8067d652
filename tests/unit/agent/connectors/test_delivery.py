"""Live frames, late frames, joins: the rules of delivery in virtual time."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.connectors.backlog import Backlog
from agent.connectors.delivery import JOIN_LATE, REPLAY_OFF, SPOOL_LOST, Delivery
from agent.connectors.rules import ADDRESS_SPACING_US, LATE_AFTER_US, LIVE_LIMIT_FRAMES, DeliveryRules
from tests.datapath.line import Line
from tests.datapath.virtual import data_up, join_request, record

SECOND = 1_000_000


def test_a_live_frame_goes_out_at_once_and_is_done_when_acknowledged() -> None:
    line = Line()
    heard = line.hear(data_up())
    assert line.sent == [(0, heard, False)]
    line.run(line.round_trip_us)
    assert line.done == [heard.id]
    assert line.delivery.queued == 0


def test_an_unanswered_frame_is_sent_again_with_doubling_patience_until_it_is_late() -> None:
    line = Line()
    line.cut()
    line.hear(data_up())
    line.run(LATE_AFTER_US - 5_000)
    assert [at_us for at_us, _, _ in line.sent] == [0, 400_000, 1_200_000, 2_800_000]
    assert line.delivery.backlog.count == 0


def test_a_frame_turns_late_at_three_seconds_and_not_before() -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(data_up())
    line.run(LATE_AFTER_US - 5_000)
    assert line.delivery.backlog.count == 0
    line.run(5_000)
    assert line.delivery.backlog.count == 1


def test_an_acknowledgement_that_comes_after_all_settles_a_late_frame() -> None:
    line = Line(round_trip_us=2_900_000)
    line.hear(data_up())
    line.run(2_000_000)
    line.delivery.link(reachable=False)
    line.run(1_100_000)
    assert line.done == [1]
    assert line.delivery.queued == 0


@pytest.mark.parametrize(("after_us", "late"), [(LATE_AFTER_US, 0), (LATE_AFTER_US + 1, 1)])
def test_an_acknowledgement_is_late_beyond_three_seconds(after_us: int, late: int) -> None:
    delivery = Delivery(DeliveryRules())
    delivery.frame_received(record(1, data_up()), SECOND)
    assert delivery.acknowledged([1], SECOND + after_us) == [1]
    assert delivery.counts["acknowledged_late"] == late


def test_nothing_is_sent_before_the_server_answers() -> None:
    delivery = Delivery(DeliveryRules())
    delivery.frame_received(record(1, data_up()), 0)
    assert delivery.step(0, None).live == ()
    delivery.link(reachable=True)
    assert [sent.id for sent in delivery.step(0, None).live] == [1]


def test_a_frame_that_turns_late_takes_the_live_ones_of_its_address_along_and_no_others() -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(data_up(0xA, 1))
    line.run(SECOND)
    line.hear(data_up(0xA, 2))
    other = line.hear(data_up(0xB, 1))
    line.run(LATE_AFTER_US - SECOND)
    assert line.delivery.backlog.count == 2
    assert line.delivery.acknowledged([other.id], line.now_us) == [other.id], "still awaited"
    line.run(SECOND)
    assert line.delivery.backlog.count == 2


@pytest.mark.parametrize(("payload", "known"), [(data_up(), [1]), (join_request(), [])])
def test_only_a_late_frame_that_was_sent_and_waits_in_the_spool_can_still_be_acknowledged(
    payload: bytes, known: list[int]
) -> None:
    sent = Line()
    sent.cut()
    sent.hear(payload)
    sent.run(SECOND)
    sent.notice(reachable=False)
    sent.run(LATE_AFTER_US)
    assert sent.delivery.acknowledged([1], sent.now_us) == known
    unsent = Line()
    unsent.notice(reachable=False)
    unsent.hear(payload)
    unsent.run(LATE_AFTER_US)
    assert unsent.delivery.acknowledged([1], unsent.now_us) == []


def test_joins_are_never_delivered_late() -> None:
    line = Line()
    line.notice(reachable=False)
    join = line.hear(join_request())
    line.run(LATE_AFTER_US)
    line.notice(reachable=True)
    line.run(SECOND)
    assert line.dropped == {join.id: JOIN_LATE}
    assert line.sent == []


def test_a_join_is_delivered_when_the_server_answers_in_time() -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(join_request())
    line.run(LATE_AFTER_US - 100_000)
    line.notice(reachable=True)
    line.run(SECOND)
    assert line.done == [1]


def test_without_replay_a_late_frame_is_dropped_and_says_so() -> None:
    line = Line(rules=DeliveryRules(replay=False))
    line.notice(reachable=False)
    line.hear(data_up())
    line.run(LATE_AFTER_US)
    assert line.dropped == {1: REPLAY_OFF}


def test_a_live_frame_waits_behind_the_stored_ones_of_its_address_only() -> None:
    line = Line()
    line.notice(reachable=False)
    for fcnt in range(3):
        line.hear(data_up(0xA, fcnt))
    line.run(4 * SECOND)
    line.notice(reachable=True)
    late = line.hear(data_up(0xA, 3))
    other = line.hear(data_up(0xB, 1))
    assert line.sent[-1] == (line.now_us, other, False)
    line.run(3 * SECOND)
    order = [sent for _, sent, _ in line.sent if sent.address == 0xA]
    assert [frame.id for frame in order] == [1, 2, 3, late.id]
    again = line.hear(data_up(0xA, 4))
    assert line.sent[-1] == (line.now_us, again, False)


def test_frames_of_one_address_are_half_a_second_apart_and_the_backlog_keeps_its_rate() -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=20))
    line.notice(reachable=False)
    for n in range(400):
        line.hear(data_up(n % 40, n))
    line.run(4 * SECOND)
    line.notice(reachable=True)
    start_us = line.now_us
    line.run(40 * SECOND)
    assert len(line.done) == 400
    for address in range(40):
        times = [at_us for at_us, sent, _ in line.sent if sent.address == address]
        assert min(after - before for before, after in pairwise(times)) >= ADDRESS_SPACING_US
    for second in range(1, 10):
        within = [at for at, _, _ in line.sent if start_us <= at < start_us + second * SECOND]
        assert len(within) <= 20 * second + 10


def test_at_the_month_s_cap_one_stored_frame_a_second_leaves_and_live_ones_at_once() -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=20))
    line.notice(reachable=False)
    for n in range(40):
        line.hear(data_up(n, n))
    line.run(4 * SECOND)
    line.delivery.backlog.slow = True
    line.notice(reachable=True)
    start = len(line.sent)
    line.run(10 * SECOND)
    assert 9 <= len(line.sent) - start <= 12
    live = line.hear(data_up(100, 1))
    line.run(SECOND // 10)
    assert live.id in line.done
    line.delivery.backlog.slow = False
    line.run(4 * SECOND)
    assert len(line.done) == 41


def test_the_next_stored_frame_of_an_address_wakes_the_shell_half_a_second_after_the_one_before() -> None:
    delivery = Delivery(DeliveryRules())
    stored = [record(number, data_up(0xA, number)) for number in (1, 2)]
    for each in stored:
        delivery.restore(each.id, each.address, each.kind)
    delivery.link(reachable=True)
    asked = delivery.step(SECOND, None).fetch
    delivery.fetched(asked, stored)
    assert [late.id for late in delivery.step(SECOND, None).late] == [1]
    delivery.acknowledged([1], SECOND)
    assert delivery.step(SECOND, None).wake_at_us == SECOND + ADDRESS_SPACING_US
    assert [late.id for late in delivery.step(SECOND + ADDRESS_SPACING_US, None).late] == [2]


def test_a_replay_of_one_busy_address_catches_up_with_its_live_frames() -> None:
    line = Line()
    for n in range(1200):
        if n == 100:
            line.cut()
            line.notice(reachable=False)
        if n == 600:
            line.notice(reachable=True)
        line.hear(data_up(0xA, n))
        line.run(10_000)
    line.run(50 * SECOND)
    assert len(line.done) == 1200
    arrivals = [sent.id for _, sent in line.arrived if sent.id > 110]
    assert arrivals == sorted(arrivals)


def test_as_long_as_the_server_answers_a_busy_address_is_never_held_back() -> None:
    line = Line()
    for n in range(1000):
        line.hear(data_up(0xA, n))
        line.run(5_000)
    assert len(line.sent) == 1000
    assert not any(late for _, _, late in line.sent)


def test_frames_held_behind_a_backlog_leave_beside_its_rate() -> None:
    """What came in while the server answered is no replay: the rate neither counts nor delays it."""
    line = Line(rules=DeliveryRules(drain_frames_per_s=1, drain_burst_frames=1), round_trip_us=300_000)
    line.notice(reachable=False)
    for address in range(40):
        line.hear(data_up(address, 1))
    line.run(4 * SECOND)
    line.notice(reachable=True)
    held = set()
    for number in range(2, 42):
        held.add(line.hear(data_up(0, number)).id)
        line.run(SECOND // 4)
    sent = [(record.id in held, late) for _, record, late in line.sent]
    assert sent.count((True, False)) == 0, "the address has a backlog all the time"
    assert sent.count((True, True)) >= 10 * SECOND // (line.round_trip_us + 2 * line.step_us) - 2
    assert 10 <= sent.count((False, True)) <= 11


@pytest.mark.parametrize(("waited_us", "retried"), [(2 * 400_000 - 5_000, 0), (2 * 400_000, 1)])
def test_a_stored_frame_is_given_twice_the_patience_of_a_live_one(waited_us: int, retried: int) -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(data_up())
    line.run(4 * SECOND)
    line.cut()
    line.delivery.link(reachable=True)
    line.run(line.step_us)
    assert [late for _, _, late in line.sent] == [True]
    line.run(waited_us)
    assert line.delivery.counts["retried_late"] == retried


def test_an_address_that_began_to_drain_is_finished_before_another_begins() -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=2))
    line.notice(reachable=False)
    for n in range(20):
        for address in range(30):
            line.hear(data_up(address, n))
    line.run(4 * SECOND)
    line.notice(reachable=True)
    line.run(60 * SECOND)
    assert len({sent.address for _, sent, _ in line.sent}) <= line.rules.active_addresses + 8


def test_live_frames_beyond_the_limit_go_by_way_of_the_spool_in_order() -> None:
    line = Line()
    line.cut()
    for n in range(LIVE_LIMIT_FRAMES + 1):
        line.hear(data_up(n % 7, n))
    assert line.delivery.counts["parked"] >= 1
    line.notice(reachable=False)
    line.run(4 * SECOND)
    assert line.delivery.backlog.count == LIVE_LIMIT_FRAMES + 1


def test_what_the_spool_lost_is_dropped_with_a_reason_and_the_rest_goes_on() -> None:
    line = Line()
    line.notice(reachable=False)
    for n in range(4):
        line.hear(data_up(0xA, n))
    line.run(4 * SECOND)
    del line.stored[2]
    line.notice(reachable=True)
    line.run(4 * SECOND)
    assert line.dropped == {2: SPOOL_LOST}
    assert line.done == [1, 3, 4]


def test_a_late_frame_is_sent_again_although_patience_grew_meanwhile() -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(data_up())
    line.run(4 * SECOND)
    line.cut()
    line.delivery.link(reachable=True)
    line.run(100_000)
    line.patience_us = 5 * SECOND
    line.run(2 * SECOND)
    line.server_up = True
    line.run(15 * SECOND)
    assert line.done == [1]


def test_what_the_spool_evicted_is_not_asked_for() -> None:
    line = Line()
    line.notice(reachable=False)
    for n in range(4):
        line.hear(data_up(0xA, n))
    line.run(4 * SECOND)
    line.delivery.evicted([(1, 0xA), (3, 0xA)])
    line.notice(reachable=True)
    line.run(4 * SECOND)
    assert line.done == [2, 4]
    assert line.delivery.queued == 0


def test_frames_that_were_held_count_against_the_rate_once_the_server_was_away() -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=1, drain_burst_frames=1), round_trip_us=300_000)
    line.notice(reachable=False)
    line.hear(data_up(0xA, 1))
    line.run(4 * SECOND)
    line.notice(reachable=True)
    for number in range(2, 22):
        line.hear(data_up(0xA, number))
    line.notice(reachable=False)
    line.run(4 * SECOND)
    line.notice(reachable=True)
    before = len(line.sent)
    line.run(5 * SECOND)
    assert 5 <= len(line.sent) - before <= 6


def test_what_was_evicted_while_it_was_read_is_not_lost_a_second_time() -> None:
    backlog = Backlog(DeliveryRules())
    first, second = record(1, data_up(0xA, 1)), record(2, data_up(0xA, 2))
    for stored in (first, second):
        backlog.add(stored.id, stored.address)
    asked = backlog.wanted()
    backlog.discard([(second.id, second.address)])
    assert asked == [1, 2]
    assert backlog.fetched(asked, [first]) == []
    assert [sent.id for sent in backlog.take(0)] == [1]


def test_a_join_never_waits_behind_stored_frames_of_its_address() -> None:
    line = Line()
    line.notice(reachable=False)
    stored = line.hear(data_up(0xA, 1))
    line.run(4 * SECOND)
    join = msgspec.structs.replace(record(2, join_request()), address=stored.address)
    line.stored[join.id] = join
    line.delivery.frame_received(join, line.now_us)
    line.notice(reachable=True)
    assert (line.now_us, join, False) in line.sent
    line.run(SECOND)
    assert (sorted(line.done), line.dropped) == ([1, 2], {})


def test_a_stored_frame_that_the_line_took_with_it_is_not_counted_as_unanswered() -> None:
    line = Line()
    line.notice(reachable=False)
    line.hear(data_up())
    line.run(4 * SECOND)
    line.cut()
    line.delivery.link(reachable=True)
    line.run(100_000)
    line.notice(reachable=False)
    line.run(10 * SECOND)
    assert line.delivery.counts["retried_late"] == 0
    line.notice(reachable=True)
    line.run(SECOND)
    assert line.done == [1]


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.3]),
    replay_rate=st.sampled_from([20, 500]),
    cuts=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 40)), max_size=4),
)
def test_no_data_frame_is_lost_whatever_the_link_does(
    seed: int, loss: float, replay_rate: int, cuts: list[tuple[int, int]]
) -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=replay_rate), loss=loss, seed=seed, step_us=50_000)
    line.patience_of = lambda now_us: 200_000 + now_us % 7 * 100_000
    changes = {at: False for at, _ in cuts} | {at + length: True for at, length in cuts}
    joins = set()
    for n in range(90):
        if n in changes:
            line.notice(reachable=changes[n])
        if n % 10 == 0:
            joins.add(line.hear(join_request()).id)
        line.hear(data_up(n % 5, n))
        line.run(200_000)
    line.notice(reachable=True)
    line.run(60 * SECOND)
    assert line.delivery.queued == 0
    assert set(line.dropped) <= joins
    assert len(line.done) + len(line.dropped) == 90 + len(joins)
    assert len(set(line.done)) == len(line.done)


@pytest.mark.parametrize("rate", [1, 20, 500])
def test_the_window_of_addresses_follows_the_rate(rate: int) -> None:
    assert 16 <= DeliveryRules(drain_frames_per_s=rate).active_addresses <= 512


def test_an_acknowledgement_that_comes_while_the_spool_is_read_makes_no_frame_be_forgotten() -> None:
    delivery = Delivery(DeliveryRules())
    delivery.link(reachable=True)
    frames = [record(number, monotonic_us=number) for number in (1, 2, 3)]
    for frame in frames:
        delivery.frame_received(frame, 0)
    delivery.step(0, None)
    late_us = LATE_AFTER_US
    delivery.link(reachable=False)
    delivery.step(late_us, None)
    delivery.link(reachable=True)
    asked = delivery.step(late_us, None).fetch
    assert asked == (1, 2, 3)
    assert delivery.acknowledged([1], late_us) == [1]
    delivery.fetched(asked, frames)
    sent = []
    for now_us in range(late_us, late_us + 5_000_000, 100_000):
        late = [frame.id for frame in delivery.step(now_us, None).late]
        sent += late
        assert delivery.acknowledged(late, now_us) == late
    assert (sent, delivery.queued) == ([2, 3], 0)


def test_what_is_evicted_is_neither_sent_nor_settled_again() -> None:
    delivery = Delivery(DeliveryRules())
    delivery.link(reachable=True)
    delivery.frame_received(record(1), 0)
    assert [frame.id for frame in delivery.step(0, None).live] == [1]
    delivery.evicted([(1, record(1).address)])
    assert (delivery.acknowledged([1], 1), delivery.queued) == ([], 0)
    assert delivery.step(LATE_AFTER_US, None).dropped == ()


def test_what_the_spool_lost_is_given_up_once() -> None:
    delivery = Delivery(DeliveryRules())
    delivery.frame_received(record(1), 0)
    delivery.link(reachable=True)
    delivery.step(0, None)
    delivery.link(reachable=False)
    delivery.step(LATE_AFTER_US, None)
    delivery.link(reachable=True)
    asked = delivery.step(LATE_AFTER_US, None).fetch
    delivery.fetched(asked, [])
    assert delivery.queued == 1
    assert delivery.acknowledged([1], LATE_AFTER_US) == []
    assert delivery.step(LATE_AFTER_US, None).dropped == ((1, "spool_lost"),)
    assert delivery.queued == 0
