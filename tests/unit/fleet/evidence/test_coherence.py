"""Every number that a gateway says has a lowest and a highest value: both are taken, beyond is not."""

from dataclasses import replace

import msgspec
import pytest

from agent.wire.beat import ConnectorBeat, Heartbeat, Radio, TimeQuality
from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    Delivered,
    Gone,
    Heard,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
)
from fleet.evidence.coherence import Incoherent, Unusable, check, check_bounds, check_coherent, check_run
from fleet.facts.runs import run_of

NOW_US = 1_795_000_000_000_000
"""2026-11-18."""
HOUR_MS = 3_600_000
TEN_YEARS_MS = 10 * 366 * 24 * HOUR_MS
YEAR_9999_US = 253_370_764_800_000_000
BEAT = Heartbeat(
    boot=1,
    seq=10,
    uptime_ms=HOUR_MS,
    journal_seq=5,
    at_us=NOW_US,
    time_quality=TimeQuality.NTP,
    radio=Radio.RECEIVING,
    connectors=(ConnectorBeat("lns", True, 100),),
    spool_records=0,
    spool_accepting=True,
    received=1,
    delivered=1,
    dropped=0,
    config_version=1,
)
RECORD = JournalRecord(
    boot=1,
    journal_seq=5,
    uptime_ms=HOUR_MS,
    at_us=NOW_US,
    time_quality=TimeQuality.NTP,
    change=Change.RADIO,
    subject="",
    value="DEAF",
    reason="",
)
PREVIOUS = PreviousBoot(
    boot=0, uptime_ms=HOUR_MS, at_us=NOW_US, time_quality=TimeQuality.NTP, clean=True, journal_seq=5
)
DELIVERED = Delivered(
    boot=1,
    seq=1,
    connector="lns",
    received_from_us=1_000,
    received_until_us=2_000,
    acked_at_us=3_000,
    frames=1,
)
NOTED = Noted(boot=1, seq=1, at_us=NOW_US, name="restart")
HEARD = Heard(
    day="2026-11-18",
    address="01ab23cd",
    hours=1,
    frames=1,
    best_rssi_dbm=-100,
    best_snr_db=5.0,
    lowest_sf=7,
)
REPORTED = ConfigReported(
    version=1, sha256="", state=ConfigState.CONFIRMED, seen_version=1, reason="", at_us=NOW_US
)
RUN = run_of("0016c001f12a3b4c", BEAT, NOW_US)
HOURS_RECORDS = 1_000 + 10 * 3_600
"""A burst of 1,000, and 10 a second."""


def changed(message, **fields):
    return msgspec.structs.replace(message, **fields)


def connector(**fields):
    return changed(BEAT, connectors=(changed(BEAT.connectors[0], **fields),))


def batch(**fields):
    return JournalBatch((changed(RECORD, **fields),))


def previous(**fields):
    return batch(previous=changed(PREVIOUS, **fields))


UNTIL_9999 = changed(DELIVERED, received_until_us=YEAR_9999_US)
BOUNDS = [  # what is counted by length has no lowest value
    ("uptime_ms", lambda value: changed(BEAT, uptime_ms=value, journal_seq=0), 0, TEN_YEARS_MS),
    ("at_us", lambda value: changed(BEAT, at_us=value), 0, YEAR_9999_US),
    ("seq", lambda value: changed(BEAT, seq=value), 0, TEN_YEARS_MS // 1000),
    ("interval_s", lambda value: changed(BEAT, interval_s=value), 1, 3_600),
    ("journal_seq", lambda value: changed(BEAT, journal_seq=value), 0, HOURS_RECORDS),
    ("connectors", lambda value: changed(BEAT, connectors=BEAT.connectors * value), None, 16),
    ("connectors.name", lambda value: connector(name="n" * value), None, 32),
    ("connectors.answer_age_ms", lambda value: connector(answer_age_ms=value), -1, TEN_YEARS_MS),
    ("connectors.queued", lambda value: connector(queued=value), 0, 2**53),
    ("config_version", lambda value: changed(BEAT, config_version=value), 0, 2**31 - 1),
    *(
        (name, lambda value, name=name: changed(BEAT, **{name: value}), -1_000_000, 1_000_000)
        for name in ("temperature_c", "cpu_percent", "memory_percent", "disk_percent", "backhaul_rtt_ms")
    ),
    *(
        (name, lambda value, name=name: changed(BEAT, **{name: value}), 0, 2**53)
        for name in ("spool_records", "received", "delivered", "dropped", "crc_failed", "transmitted")
    ),
    ("unbalanced_frames", lambda value: changed(BEAT, unbalanced_frames=value), -(2**53), 2**53),
    ("uptime_ms", lambda value: batch(uptime_ms=value, journal_seq=1), 0, TEN_YEARS_MS),
    ("at_us", lambda value: batch(at_us=value), 0, YEAR_9999_US),
    ("journal_seq", lambda value: batch(journal_seq=value), 1, HOURS_RECORDS),
    ("since_ms", lambda value: batch(since_ms=value), 0, HOUR_MS),
    ("uptime_ms", lambda value: previous(uptime_ms=value, journal_seq=0), 0, TEN_YEARS_MS),
    ("at_us", lambda value: previous(at_us=value), 0, YEAR_9999_US),
    ("journal_seq", lambda value: previous(journal_seq=value), 0, HOURS_RECORDS),
    ("gone", lambda value: JournalBatch((), (Gone(1, 2, 3),) * value), None, 64),
    ("gone.first_seq", lambda value: JournalBatch((), (Gone(1, value, 9),)), 1, 9),
    ("received_from_us", lambda value: changed(UNTIL_9999, received_from_us=value), 0, YEAR_9999_US),
    ("received_until_us", lambda value: changed(DELIVERED, received_until_us=value), 1_000, YEAR_9999_US),
    ("acked_at_us", lambda value: changed(DELIVERED, acked_at_us=value), 0, YEAR_9999_US),
    ("connector", lambda value: changed(DELIVERED, connector="n" * value), None, 32),
    ("frames", lambda value: changed(DELIVERED, frames=value), 0, 2**31 - 1),
    ("dropped", lambda value: changed(DELIVERED, dropped={str(name): 1 for name in range(value)}), None, 64),
    ("dropped.full", lambda value: changed(DELIVERED, dropped={"full": value}), 0, 2**31 - 1),
    ("at_us", lambda value: changed(NOTED, at_us=value), 0, YEAR_9999_US),
    ("fields", lambda value: changed(NOTED, fields={str(name): 1 for name in range(value)}), None, 64),
    ("hours", lambda value: changed(HEARD, hours=value), 0, 2**24 - 1),
    ("frames", lambda value: changed(HEARD, frames=value), 0, 2**31 - 1),
    ("best_rssi_dbm", lambda value: changed(HEARD, best_rssi_dbm=value), -1_000_000, 1_000_000),
    ("lowest_sf", lambda value: changed(HEARD, lowest_sf=value), 0, 1_000_000),
    ("version", lambda value: changed(REPORTED, version=value), 0, 2**31 - 1),
    ("seen_version", lambda value: changed(REPORTED, seen_version=value), 0, 2**31 - 1),
    ("at_us", lambda value: changed(REPORTED, at_us=value), 0, YEAR_9999_US),
    ("at_us", lambda value: Presence(online=True, boot=1, at_us=value), 0, YEAR_9999_US),
]


@pytest.mark.parametrize(("name", "message", "lowest", "highest"), BOUNDS)
def test_the_limits_are_taken_and_what_is_beyond_is_not(name, message, lowest, highest):
    for value in (lowest, highest):
        check_coherent(message(value or 0), None, NOW_US)
    for beyond in (highest + 1,) if lowest is None else (lowest - 1, highest + 1):
        with pytest.raises(Incoherent, match=rf"^{name}: .* is not within "):
            check_coherent(message(beyond), None, NOW_US)


@pytest.mark.parametrize(
    ("fields", "coherent"),
    [
        ({}, True),
        ({"first_uptime_ms": -1}, False),
        ({"last_uptime_ms": HOUR_MS - 1}, False),
        ({"last_uptime_ms": TEN_YEARS_MS}, True),
        ({"last_uptime_ms": TEN_YEARS_MS + 1}, False),
        ({"first_at_us": -1}, False),
        ({"last_at_us": YEAR_9999_US + 1}, False),
        ({"first_seq": 0}, True),
        ({"first_seq": -1}, False),
        ({"first_seq": 11}, False),
        ({"last_seq": TEN_YEARS_MS // 1000}, True),
        ({"last_seq": TEN_YEARS_MS // 1000 + 1}, False),
        ({"interval_ms": 1_000}, True),
        ({"interval_ms": 999}, False),
        ({"interval_ms": 3_600_000}, True),
        ({"interval_ms": 3_600_001}, False),
        ({"journal_seq": HOURS_RECORDS}, True),
        ({"journal_seq": HOURS_RECORDS + 1}, False),
    ],
)
def test_a_stored_run_is_what_heartbeats_can_say(fields, coherent):
    run = replace(RUN, **fields)
    if coherent:
        check_run(run)
    else:
        with pytest.raises(Incoherent):
            check_run(run)


@pytest.mark.parametrize(
    ("fields", "most"),
    [
        ({}, 5 + 1_000 + 10 * 60),
        ({"boot": 2}, HOURS_RECORDS + 600),
        ({"last_uptime_ms": HOUR_MS + 60_001}, HOURS_RECORDS + 600),
        ({"last_uptime_ms": HOUR_MS + 60_000}, 5 + 1_000),
    ],
)
def test_a_journal_grows_from_the_run_before_only_as_fast_as_a_card_writes(fields, most):
    before = replace(RUN, **fields)
    beat = changed(BEAT, uptime_ms=HOUR_MS + 60_000, journal_seq=most)
    check_coherent(beat, before, NOW_US)
    with pytest.raises(Incoherent, match="journal_seq"):
        check_coherent(changed(beat, journal_seq=most + 1), before, NOW_US)


@pytest.mark.parametrize(
    ("day", "coherent"),
    [
        ("2026-11-20", True),
        ("2026-11-21", False),
        ("2025-10-14", True),
        ("2025-10-13", False),
        ("20261118", False),
        ("2026-W47-3", False),
        ("yesterday", False),
    ],
)
def test_a_sketch_is_of_a_day_within_400_days_before_and_2_after(day, coherent):
    heard = changed(HEARD, day=day)
    if coherent:
        check(heard, None, NOW_US)
    else:
        with pytest.raises(Incoherent, match=r"^day: "):
            check(heard, None, NOW_US)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (changed(HEARD, address="01ab23cd01ab23c"), "address"),
        (changed(HEARD, address="01AB23CD"), "address"),
        (changed(HEARD, best_snr_db=float("nan")), "best_snr_db"),
        (changed(NOTED, fields={"a": float("inf")}), "fields"),
        (batch(subject="two\nlines"), "subject"),
        (batch(value="\u200b"), "value"),
        (connector(name="a\tb\u202e"), "connectors.name"),
        (changed(DELIVERED, connector="\u200b"), "connector"),
    ],
)
def test_what_cannot_be_seen_or_counted_is_not_taken(message, name):
    with pytest.raises(Unusable, match=f"^{name}: "):
        check(message, None, NOW_US)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (2**63 - 1, True),
        (-(2**63 - 1), True),
        (2**63, False),
        (-(2**63), False),
        (True, True),
        (None, True),
        (1e300, True),
        ("x" * 500, True),
        ("x" * 501, False),
        ("a\0b", False),
        ({"x" * 501: 1}, False),
        ({"a": 2**63}, False),
        ((1, 2**63), False),
        ([["a\0"]], False),
    ],
)
def test_both_databases_keep_63_bits_and_500_characters_wherever_they_stand(value, kept):
    for within in (value, {"a": value}, [value]):
        if kept:
            check_bounds(within, "field")
        else:
            with pytest.raises(Unusable, match=r"^field"):
                check_bounds(within, "field")


def test_bounds_are_checked_with_the_rest_and_name_their_field():
    with pytest.raises(Unusable, match=r"^reason: 501 characters"):
        check(batch(reason="x" * 501), None, NOW_US)
