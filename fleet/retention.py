"""How long things are kept, by setting, and the sweep that ends it (MISSION: GDPR; docs/rgpd-registre.md).

Facts that availability is computed from are kept for good: they name gateways, no person; proofs of delivery
until no month can be revised by them.  Sketches go by the day that they are of, once they are packed
(``fleet.evidence.sketches``).  Addresses of
members' objects, what people did and who they were logged in as go after their time.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from sqlalchemy import Column, Connection, Table, delete, select

from fleet.durations import DAY_US, HOUR_US
from fleet.evidence.tables import delivered_frames, deliveries, heard_packed, notes, presence_edges, vitals
from fleet.evidence.vitals import fold_days
from fleet.identity.tables import audit_log, sessions
from fleet.intake.mail_in import forget_raw
from fleet.objects.store import forget_days
from fleet.objects.tables import lns_heard
from fleet.tickets.tables import presence_challenges, presence_tries

SWEEP_EVERY_US = HOUR_US
SWEEP_LIMIT_ROWS = 20_000
"""The most rows of one table in one sweep, so that it never holds the database for long; the rest goes an
hour later."""

CODES_DAYS = 2
"""Codes on site and wrong ones: a day longer than a phone may tell late."""

Days = Annotated[int, msgspec.Meta(ge=1, le=3660)]


class Retention(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Days that each kind is kept; section ``retention`` of fleet.json."""

    heard_days: Days = 90
    """DevAddr and DevEUI of members' objects, after their day; in which minutes the LNS heard a gateway."""
    audit_days: Days = 365
    """Who did what."""
    notes_days: Days = 365
    """Events of gateways for the operator's eyes."""
    presence_days: Days = 30
    """Edges of broker sessions: hints for people."""
    vitals_hours_days: Days = 30
    """Health details by the hour; older ones are folded into days."""
    vitals_days: Days = 730
    """Health details by the day."""
    deliveries_days: Days = 800
    """Proofs of delivery: beyond the months that may still be revised (``fleet.months.due.MONTHS_LIMIT``)."""
    frames_days: Days = 62
    """Frames by five minutes, for the chart of a month."""


def sweep(connection: Connection, retention: Retention, now_us: int) -> dict[str, int]:
    """Delete what is over its time and return how many rows of each table."""
    kept: tuple[tuple[Table, Column[int], int], ...] = (
        (lns_heard, lns_heard.c.hour_at_us, retention.heard_days),
        (audit_log, audit_log.c.at_us, retention.audit_days),
        (notes, notes.c.recorded_at_us, retention.notes_days),
        (presence_edges, presence_edges.c.recorded_at_us, retention.presence_days),
        (vitals, vitals.c.from_at_us, max(retention.vitals_days, retention.vitals_hours_days)),
        (deliveries, deliveries.c.received_until_at_us, retention.deliveries_days),
        (sessions, sessions.c.expires_at_us, 1),
        (presence_challenges, presence_challenges.c.asked_at_us, CODES_DAYS),
        (presence_tries, presence_tries.c.at_us, CODES_DAYS),
    )
    hours_before_us = now_us - retention.vitals_hours_days * DAY_US
    folded = fold_days(connection, hours_before_us, limit=SWEEP_LIMIT_ROWS)
    gone = {"vitals_folded": folded} | {
        table.name: _delete_before(connection, table, column, now_us - days * DAY_US)
        for table, column, days in kept
    }
    frames = delivered_frames.c.day_number
    gone["delivered_frames"] = _delete_before(
        connection, delivered_frames, frames, now_us // DAY_US - retention.frames_days
    )
    objects_before_us = now_us - retention.heard_days * DAY_US
    first = f"{datetime.fromtimestamp(objects_before_us / 1_000_000, UTC):%Y-%m-%d}"
    gone["heard_packed"] = _delete_before(connection, heard_packed, heard_packed.c.day, first)
    gone["mails_forgotten"] = forget_raw(connection, now_us)
    return gone | {"object_months": forget_days(connection, objects_before_us, limit=SWEEP_LIMIT_ROWS)}


def _delete_before(connection: Connection, table: Table, column: "Column[Any]", limit: int | str) -> int:
    """Delete the oldest rows before ``limit``, about ``SWEEP_LIMIT_ROWS`` at most."""
    query = select(column).where(column < limit).order_by(column).limit(1)
    newest = connection.scalar(query.offset(SWEEP_LIMIT_ROWS - 1))
    ends = column <= newest if newest is not None else column < limit
    return connection.execute(delete(table).where(ends)).rowcount
