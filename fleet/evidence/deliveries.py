"""Proofs of delivery as runs: what a gateway says every 300 s is one row while nothing changes.

    span that follows, same boot and connector, acknowledged soon, nothing lost ─▶ the run grows
    span that follows, frames lost as in the run     ─▶ the run of losses grows
    a gap, a late acknowledgement, another month     ─▶ a run of its own
    the same span again                              ─▶ nothing

``acked_at_us`` of a run is its beginning plus the longest that any frame of it waited: the one formula of
``fleet.availability.figures.made_good`` holds for a span and for a run.  A run ends with its month: what a
month is computed from does not change with the time after it.  ``extended`` is pure.

Frames are counted beside it, by the five minutes, one row a gateway and day (``delivered_frames``), for the
chart of people; retention ends them.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from sqlalchemy import Connection, select, tuple_

from agent.wire.messages import Delivered
from fleet.db.upsert import Rows
from fleet.durations import DAY_US, MINUTE_US
from fleet.evidence.boots import groups
from fleet.evidence.tables import delivered_frames, deliveries
from fleet.facts.months import month_around
from fleet.facts.settings import PROMPT_US

SLOT_US = 5 * MINUTE_US
SLOTS = DAY_US // SLOT_US

Row: TypeAlias = dict[str, Any]
Event: TypeAlias = tuple[str, Delivered, int]
"""EUI, what it said, when we received it."""


def rows_of(connection: Connection, events: Iterable[Event]) -> tuple[Rows, Rows]:
    """Return the runs and the counts that hold what is stored and these events."""
    runs: dict[tuple[str, int, int], Row] = {}
    newest: dict[tuple[str, int], Row] = {}
    counted: list[Event] = []
    for eui, event, at_us in sorted(events, key=lambda each: (each[0], each[1].boot, each[1].seq)):
        before = newest.get((eui, event.boot))
        if before is None or before["seq"] > event.seq:
            before = _run_before(connection, eui, event)
        run = extended(before, row_of(eui, event, at_us))
        if run is None:
            continue
        runs[eui, event.boot, run["seq"]] = newest[eui, event.boot] = run
        counted.append((eui, event, at_us))
    return (
        Rows(deliveries, ("eui", "boot", "seq"), list(runs.values())),
        Rows(delivered_frames, ("eui", "day_number"), _frames(connection, counted)),
    )


def row_of(eui: str, event: Delivered, at_us: int) -> Row:
    """Return one span as a row."""
    return {
        "eui": eui,
        "boot": event.boot,
        "seq": event.seq,
        "last_seq": event.seq,
        "connector": event.connector,
        "received_from_at_us": event.received_from_us,
        "received_until_at_us": event.received_until_us,
        "acked_at_us": event.acked_at_us,
        "frames": event.frames,
        "dropped": event.dropped,
        "recorded_at_us": at_us,
    }


def extended(before: Mapping[str, Any] | None, span: Row) -> Row | None:
    """Return the run that holds a span: the one before it, grown, or its own; None: it is held already.

    ``before`` is the run of the same boot with the greatest number that is not greater than the span's.
    """
    if before is None:
        return span
    if span["seq"] <= (before["last_seq"] or before["seq"]):
        return None
    if not _follows(before, span):
        return span
    from_us = before["received_from_at_us"]
    dropped = dict(before["dropped"])
    for reason, frames in span["dropped"].items():
        dropped[reason] = dropped.get(reason, 0) + frames
    return dict(before) | {
        "last_seq": span["seq"],
        "received_until_at_us": span["received_until_at_us"],
        "acked_at_us": from_us + max(_waited_us(before), _waited_us(span)),
        "frames": before["frames"] + span["frames"],
        "dropped": dropped,
        "recorded_at_us": max(before["recorded_at_us"], span["recorded_at_us"]),
    }


def _follows(before: Mapping[str, Any], span: Row) -> bool:
    if before["connector"] != span["connector"]:
        return False
    if before["received_until_at_us"] != span["received_from_at_us"]:
        return False
    if bool(before["dropped"]) != bool(span["dropped"]):
        return False
    if not span["dropped"] and max(_waited_us(before), _waited_us(span)) > PROMPT_US:
        return False
    return bool(span["received_until_at_us"] <= month_around(before["received_from_at_us"]).end_us)


def _waited_us(run: Mapping[str, Any]) -> int:
    """Return the longest that a frame waited for its acknowledgement: from the beginning of its span."""
    waited: int = run["acked_at_us"] - run["received_from_at_us"]
    return waited


def _run_before(connection: Connection, eui: str, event: Delivered) -> Row | None:
    table = deliveries
    mine = (table.c.eui == eui) & (table.c.boot == event.boot) & (table.c.seq <= event.seq)
    found = connection.execute(select(table).where(mine).order_by(table.c.seq.desc()).limit(1))
    row = found.mappings().first()
    return None if row is None else dict(row)


def _frames(connection: Connection, events: Iterable[Event]) -> list[Row]:
    counts: dict[tuple[str, int], dict[int, int]] = {}
    for eui, event, _ in events:
        day_number, inside_us = divmod(event.received_until_us, DAY_US)
        slots = counts.setdefault((eui, day_number), {})
        slots[inside_us // SLOT_US] = slots.get(inside_us // SLOT_US, 0) + event.frames
    table = delivered_frames
    key = tuple_(table.c.eui, table.c.day_number)
    stored = {
        (row.eui, row.day_number): row.slots
        for some in groups(sorted(counts))
        for row in connection.execute(select(table).where(key.in_(some)))
    }
    rows = []
    for (eui, day_number), slots in counts.items():
        whole = list(stored.get((eui, day_number)) or [0] * SLOTS)
        for slot, frames in slots.items():
            whole[slot] += frames
        rows.append({"eui": eui, "day_number": day_number, "slots": whole})
    return rows
