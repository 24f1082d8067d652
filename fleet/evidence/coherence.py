"""Whether what a gateway says can be true: no number of a message may be beyond what time allows; pure.

Rules without a memory hold for stored rows too, so a row that came before its rule is skipped when it is
read.  What a gateway said before narrows the number of its journal further.  Nothing here is about states:
a gateway may say that it is down, or two boxes may use one EUI.

Sources: sqlite.org/datatype3.html (8-byte integers); PostgreSQL 17 manual §8.3 (no NUL in text).
"""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from math import isfinite

import msgspec

from agent.wire.messages import (
    ConfigReported,
    Delivered,
    Heard,
    Heartbeat,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
)
from fleet.facts.model import HeartbeatRun
from fleet.lang.text import NOT_PLAIN

INTEGER_LIMIT = 2**63 - 1
TEXT_LIMIT_CHARACTERS = 500
UPTIME_LIMIT_MS = 10 * 366 * 86_400_000
"""Ten years: no agent runs so long without an update."""
INSTANT_LIMIT_US = 253_370_764_800_000_000
"""9999-01-01T00:00:00Z: a calendar can show every instant before it, in any zone."""
INTERVAL_LIMIT_S = 3_600
"""Between two heartbeats; a configuration allows 1 to 300 s (``agent.wire.configuration.Intervals``)."""
RECORDS_BURST = 1_000
RECORDS_PER_S = 10
"""A box writes at most so many journal records at once, and a second; each is an fsync of its card."""
COUNT_LIMIT = 2**31 - 1
"""Frames of one event and versions of a configuration; the width of their columns."""
MEASURED_LIMIT = 1_000_000
"""A value in percent, degrees, decibels or milliseconds beyond it was not measured."""
SINCE_BOOT_LIMIT = 2**53
"""Frames since a boot, and records in a spool; the largest integer that JSON keeps everywhere."""
NAME_LIMIT_CHARACTERS = 32
CONNECTORS_LIMIT = 16
FIELDS_LIMIT = 64
"""Fields of a note, and reasons of dropped frames, in one event."""
GONE_LIMIT = 64
"""Spans of records that a gateway has no more, in one message."""
HEARD_LATE_DAYS, HEARD_EARLY_DAYS = 400, 2
"""A sketch comes after its day; a clock in another zone may be ahead of ours."""

_ADDRESS = re.compile(r"[0-9a-f]{8}(?:[0-9a-f]{8})?")
_MEASURED = ("temperature_c", "cpu_percent", "memory_percent", "disk_percent", "backhaul_rtt_ms")
_SINCE_BOOT = ("spool_records", "received", "delivered", "dropped", "crc_failed", "transmitted")
_COUNTED = dict.fromkeys(_MEASURED, (-MEASURED_LIMIT, MEASURED_LIMIT))
_COUNTED |= dict.fromkeys(_SINCE_BOOT, (0, SINCE_BOOT_LIMIT))
_COUNTED |= {"unbalanced_frames": (-SINCE_BOOT_LIMIT, SINCE_BOOT_LIMIT)}


class Unusable(ValueError):
    """A well-formed message whose content cannot be kept; names the field."""


class Incoherent(Unusable):
    """A number that no gateway can mean; names the field and the limit."""


def check(message: msgspec.Struct, before: HeartbeatRun | None, received_at_us: int) -> None:
    """Return if a message can be kept and can be true, after the newest run of its gateway.

    Raises:
        Unusable, Incoherent: names the field and the limit.
    """
    check_bounds(message)
    check_coherent(message, before, received_at_us)


def check_bounds(value: object, path: str = "") -> None:
    """Return if every number and text of a message can be kept by both databases.

    Raises:
        Unusable: names the field and the limit.
    """
    match value:
        case None | bool() | float():
            return
        case int() if not -INTEGER_LIMIT <= value <= INTEGER_LIMIT:
            raise Unusable(f"{path}: {value} is beyond 63 bits")
        case str() if len(value) > TEXT_LIMIT_CHARACTERS or "\0" in value:
            raise Unusable(f"{path}: {len(value)} characters, at most {TEXT_LIMIT_CHARACTERS}, and no NUL")
        case msgspec.Struct():
            for name in value.__struct_fields__:
                check_bounds(getattr(value, name), name)
        case dict():
            for name, inner in value.items():
                check_bounds(name, path)
                check_bounds(inner, f"{path}.{name}")
        case tuple() | list():
            for index, inner in enumerate(value):
                check_bounds(inner, f"{path}[{index}]")
        case _:
            return


def check_coherent(message: msgspec.Struct, before: HeartbeatRun | None, received_at_us: int) -> None:
    """Return if a message can be true, after the newest run of its gateway.

    Raises:
        Incoherent: names the field and the limit.
    """
    match message:
        case Heartbeat():
            _check_heartbeat(message, before)
        case JournalBatch():
            for record in message.records:
                check_record(record)
            _within("gone", len(message.gone), 0, GONE_LIMIT)
            for span in message.gone:
                _within("gone.first_seq", span.first_seq, 1, span.last_seq)
        case Delivered():
            _check_delivered(message)
        case Heard():
            _check_heard(message, received_at_us)
        case Noted():
            _within("at_us", message.at_us, 0, INSTANT_LIMIT_US)
            _within("fields", len(message.fields) + len(message.reasons), 0, FIELDS_LIMIT)
            _finite("fields", message.fields.values())
        case ConfigReported():
            _within("version", message.version, 0, COUNT_LIMIT)
            _within("seen_version", message.seen_version, 0, COUNT_LIMIT)
            _within("at_us", message.at_us, 0, INSTANT_LIMIT_US)
        case Presence():
            _within("at_us", message.at_us, 0, INSTANT_LIMIT_US)
        case _:
            return


def check_run(run: HeartbeatRun) -> None:
    """Return if a stored run holds what heartbeats can say.

    Raises:
        Incoherent: names the field and the limit.
    """
    for uptime_ms, at_us in ((run.first_uptime_ms, run.first_at_us), (run.last_uptime_ms, run.last_at_us)):
        _check_stamp(uptime_ms, at_us)
    _within("first_seq", run.first_seq, 0, run.last_seq)
    _within("last_seq", run.last_seq, run.first_seq, UPTIME_LIMIT_MS // 1000)
    _within("last_uptime_ms", run.last_uptime_ms, run.first_uptime_ms, UPTIME_LIMIT_MS)
    _within("interval_ms", run.interval_ms, 1_000, INTERVAL_LIMIT_S * 1000)
    _check_journal_seq(run.journal_seq, run.last_uptime_ms)


def check_record(record: JournalRecord) -> None:
    """Return if a journal record, of the wire or of the store, can be true.

    Raises:
        Incoherent: names the field and the limit.
    """
    _plain("subject", record.subject)
    _plain("value", record.value)
    _check_stamp(record.uptime_ms, record.at_us)
    _within("journal_seq", record.journal_seq, 1, _records_until(record.uptime_ms))
    if record.since_ms is not None:
        _within("since_ms", record.since_ms, 0, record.uptime_ms)
    if record.previous is not None:
        _check_previous(record.previous)


def _check_previous(previous: PreviousBoot) -> None:
    _check_stamp(previous.uptime_ms, previous.at_us)
    _check_journal_seq(previous.journal_seq, previous.uptime_ms)


def _check_heartbeat(beat: Heartbeat, before: HeartbeatRun | None) -> None:
    _check_stamp(beat.uptime_ms, beat.at_us)
    _within("seq", beat.seq, 0, UPTIME_LIMIT_MS // 1000)
    _within("interval_s", beat.interval_s, 1, INTERVAL_LIMIT_S)
    _check_journal_seq(beat.journal_seq, beat.uptime_ms)
    if before is not None and before.boot == beat.boot and before.last_uptime_ms <= beat.uptime_ms:
        newly = _records_until(beat.uptime_ms - before.last_uptime_ms)
        _within("journal_seq", beat.journal_seq, 0, before.journal_seq + newly)
    _within("connectors", len(beat.connectors), 0, CONNECTORS_LIMIT)
    for connector in beat.connectors:
        _within("connectors.name", len(connector.name), 0, NAME_LIMIT_CHARACTERS)
        _plain("connectors.name", connector.name)
        _within("connectors.answer_age_ms", connector.answer_age_ms, -1, UPTIME_LIMIT_MS)
        _within("connectors.queued", connector.queued, 0, SINCE_BOOT_LIMIT)
    _within("config_version", beat.config_version, 0, COUNT_LIMIT)
    for name, (lowest, highest) in _COUNTED.items():
        value = getattr(beat, name)
        if value is not None:
            _within(name, value, lowest, highest)


def _check_delivered(event: Delivered) -> None:
    _within("received_from_us", event.received_from_us, 0, INSTANT_LIMIT_US)
    _within("received_until_us", event.received_until_us, event.received_from_us, INSTANT_LIMIT_US)
    _within("acked_at_us", event.acked_at_us, 0, INSTANT_LIMIT_US)
    _within("connector", len(event.connector), 0, NAME_LIMIT_CHARACTERS)
    _plain("connector", event.connector)
    _within("frames", event.frames, 0, COUNT_LIMIT)
    _within("dropped", len(event.dropped), 0, FIELDS_LIMIT)
    for name, count in event.dropped.items():
        _within(f"dropped.{name}", count, 0, COUNT_LIMIT)


def _check_heard(event: Heard, received_at_us: int) -> None:
    try:
        day = date.fromisoformat(event.day)
    except ValueError as error:
        raise Incoherent(f"day: {event.day!r} is not written YYYY-MM-DD") from error
    today = datetime.fromtimestamp(received_at_us / 1_000_000, UTC).date()
    first, last = today - timedelta(days=HEARD_LATE_DAYS), today + timedelta(days=HEARD_EARLY_DAYS)
    if not first <= day <= last or event.day != day.isoformat():
        raise Incoherent(f"day: {event.day} is not within {first} and {last}")
    if not _ADDRESS.fullmatch(event.address):
        raise Incoherent(f"address: {event.address!r} is not 8 or 16 hex digits")
    _within("hours", event.hours, 0, (1 << 24) - 1)
    _within("frames", event.frames, 0, COUNT_LIMIT)
    _within("best_rssi_dbm", event.best_rssi_dbm, -MEASURED_LIMIT, MEASURED_LIMIT)
    _within("lowest_sf", event.lowest_sf, 0, MEASURED_LIMIT)
    _finite("best_snr_db", (event.best_snr_db,))


def _check_stamp(uptime_ms: int, at_us: int) -> None:
    _within("uptime_ms", uptime_ms, 0, UPTIME_LIMIT_MS)
    _within("at_us", at_us, 0, INSTANT_LIMIT_US)


def _check_journal_seq(journal_seq: int, uptime_ms: int) -> None:
    _within("journal_seq", journal_seq, 0, _records_until(uptime_ms))


def _records_until(lasted_ms: int) -> int:
    """Return how many journal records a box may have written in so long."""
    return RECORDS_BURST + lasted_ms * RECORDS_PER_S // 1000


def _plain(name: str, text: str) -> None:
    if NOT_PLAIN.search(text):
        raise Unusable(f"{name}: characters that nobody can see, or several lines")


def _within(name: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise Incoherent(f"{name}: {value} is not within {lowest} and {highest}")


def _finite(name: str, values: Iterable[object]) -> None:
    if any(isinstance(value, float) and not isfinite(value) for value in values):
        raise Incoherent(f"{name}: a number is not finite")
