"""What the LNS had through neighbours: by device and gateway, within limits."""

import pytest

from agent.wire.messages import MESSAGE_LIMIT_BYTES, encode
from agent.wire.neighbours import DEVICES_LIMIT, SPANS_LIMIT, decode_neighbours
from fleet.objects.events import Report
from fleet.objects.recent import FRAMES_LIMIT, GATEWAYS_LIMIT, KEEP_US, RecentUplinks, spans_of

NOW_US = 1_790_000_000_000_000
NEAR, FAR = "0016c001f1000001", "0016c001f1000002"


def report(address, counter, *gateways, ago_s=0):
    at_us = NOW_US - ago_s * 1_000_000
    return Report(
        dev_eui="0" * 16,
        day="2026-09-21",
        at_us=at_us,
        gateways=frozenset(gateways),
        address=address,
        counter=counter,
    )


def spans(recent, eui, from_s=3600):
    word = recent.known(eui, NOW_US - from_s * 1_000_000, NOW_US)
    return {one.address: [(span.first, span.last) for span in one.spans] for one in word.devices}


def test_a_gateway_learns_what_the_lns_had_of_the_devices_that_it_hears():
    recent = RecentUplinks()
    recent.take(report("26000001", 65_535, NEAR, FAR, ago_s=4000))
    for counter, ago_s in ((65_536, 900), (65_537, 600), (65_539, 300)):
        recent.take(report("26000001", counter, FAR, ago_s=ago_s))
    recent.take(report("26000002", 7, FAR, ago_s=100))
    assert spans(recent, NEAR) == {"26000001": [(0, 1), (3, 3)]}
    assert spans(recent, FAR) == {"26000001": [(0, 1), (3, 3)], "26000002": [(7, 7)]}
    assert spans(recent, "0016c001f1000003") == {}


def test_without_any_event_nothing_is_said_and_later_since_when():
    recent = RecentUplinks()
    assert recent.known(NEAR, 0, NOW_US) is None
    recent.take(report("26000001", None, NEAR))
    recent.take(report(None, 1, NEAR))
    assert recent.known(NEAR, 0, NOW_US) is None
    recent.take(report("26000001", 1, NEAR, ago_s=50))
    assert recent.known(NEAR, 0, NOW_US).from_us == NOW_US - 50_000_000
    assert recent.known(NEAR, NOW_US - 9, NOW_US).from_us == NOW_US - 9
    later_us = NOW_US + 2 * KEEP_US
    assert recent.known(NEAR, 0, later_us).from_us == later_us - KEEP_US


def test_the_newest_frames_and_gateways_of_a_device_are_kept():
    recent = RecentUplinks()
    for counter in range(FRAMES_LIMIT + 5):
        recent.take(report("26000001", counter, NEAR))
    assert spans(recent, NEAR) == {"26000001": [(5, FRAMES_LIMIT + 4)]}
    for number in range(GATEWAYS_LIMIT):
        recent.take(report("26000001", 9999, f"{number:016x}"))
    assert spans(recent, NEAR) == {}


@pytest.mark.parametrize("limit", ["devices_limit", "frames_limit"])
def test_the_device_that_was_silent_longest_makes_room(limit):
    recent = RecentUplinks(**{limit: 3})
    for number, address in enumerate(("26000001", "26000002", "26000003", "26000001", "26000004")):
        recent.take(report(address, number, NEAR))
    kept = {"26000001", "26000003", "26000004"} if limit == "devices_limit" else {"26000001", "26000004"}
    assert set(spans(recent, NEAR)) == kept


def test_an_answer_keeps_within_the_limits_of_the_wire():
    recent = RecentUplinks()
    for device in range(DEVICES_LIMIT + 10):
        for counter in range(FRAMES_LIMIT):
            recent.take(report(f"{device:08x}", 60_000 + counter * 2, NEAR))
    word = recent.known(NEAR, 0, NOW_US)
    assert 100 < len(word.devices) < DEVICES_LIMIT
    assert len(encode(word)) <= MESSAGE_LIMIT_BYTES
    assert decode_neighbours(encode(word)) == word
    single = RecentUplinks()
    for device in range(DEVICES_LIMIT + 10):
        single.take(report(f"{device:08x}", 60_000, NEAR))
    assert len(single.known(NEAR, 0, NOW_US).devices) == DEVICES_LIMIT


def test_spans_are_counters_in_order():
    assert spans_of([]) == []
    assert [(one.first, one.last) for one in spans_of([5, 5, 1, 2])] == [(1, 2), (5, 5)]
    assert len(spans_of(range(0, 2 * SPANS_LIMIT, 2))) == SPANS_LIMIT
