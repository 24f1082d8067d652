"""Uplink events of the LNS: who and when, nothing else; what cannot be used is refused with a reason."""

import json

import pytest

from fleet.lang.paris import paris_us
from fleet.objects.events import EVENT_LIMIT_BYTES, EventError, read_event

EUI = "70b3d57ed0001234"
TOPIC = f"application/1f/device/{EUI}/event/up"
NOW_US = paris_us(2026, 10, 20, 12)


def event(eui=EUI, time="2026-10-19T22:30:00.5+00:00", **more):
    return json.dumps({"deviceInfo": {"devEui": eui}, "time": time, "data": "c2VjcmV0"} | more).encode()


def test_the_day_is_the_one_of_paris():
    report = read_event(TOPIC, event(), NOW_US)
    assert (report.dev_eui, report.day) == (EUI, "2026-10-20")
    assert report.at_us == paris_us(2026, 10, 20) + 1_800_500_000


def test_an_event_without_a_time_was_sent_now():
    assert read_event(TOPIC, event(time=None), NOW_US).at_us == NOW_US


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{", "JSON"),
        (b"\xff", "JSON"),
        (b"[]", "JSON"),
        (b"{}", "JSON"),
        (event(time="yesterday"), "JSON"),
        (event(time="2026-10-19T22:30:00"), "JSON"),
        (event(eui="70b3"), "devEui"),
        (event(eui="70b3d57ed0009999"), "another"),
        (event(time="2026-10-01T00:00:00Z"), "time"),
        (event(time="2026-10-21T00:00:00Z"), "time"),
        (b" " * (EVENT_LIMIT_BYTES + 1), "bytes"),
    ],
)
def test_what_cannot_be_used_says_why_and_repeats_nothing(payload, reason):
    with pytest.raises(EventError, match=reason) as raised:
        read_event(TOPIC, payload, NOW_US)
    assert "c2VjcmV0" not in str(raised.value)


@pytest.mark.parametrize("topic", ["", "application/1/device", "application/1/device/zz/event/up"])
def test_a_topic_of_no_object_is_refused(topic):
    with pytest.raises(EventError):
        read_event(topic, event(), NOW_US)
