"""Proofs of delivery as runs: spans that follow one another become one row, frames are counted by the day.

Nothing is needed on the way back: a run is a proof that older code reads too.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

PROMPT_US = 3_600_000_000
SLOT_US, DAY_US, SLOTS, FRAMES_DAYS = 300_000_000, 86_400_000_000, 288, 62
PARIS = ZoneInfo("Europe/Paris")

deliveries = sa.table(
    "deliveries",
    *(sa.column(name) for name in ("eui", "boot", "seq", "last_seq", "connector", "acked_at_us", "frames")),
    *(sa.column(name) for name in ("received_from_at_us", "received_until_at_us", "recorded_at_us")),
    sa.column("dropped", sa.JSON),
)
delivered_frames = sa.table(
    "delivered_frames", sa.column("eui"), sa.column("day_number"), sa.column("slots", sa.JSON)
)


def upgrade() -> None:
    """Bring the schema forwards."""
    op.create_table(
        "delivered_frames",
        sa.Column("eui", sa.String(length=16), nullable=False),
        sa.Column("day_number", sa.Integer(), nullable=False),
        sa.Column("slots", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("eui", "day_number", name=op.f("pk_delivered_frames")),
    )
    op.create_index("ix_delivered_frames_day_number", "delivered_frames", ["day_number"], unique=False)
    op.add_column("deliveries", sa.Column("last_seq", sa.BigInteger(), nullable=True))
    _join(op.get_bind())


def downgrade() -> None:
    """Take the schema back, while nothing runs on it."""
    op.drop_column("deliveries", "last_seq")
    op.drop_index("ix_delivered_frames_day_number", table_name="delivered_frames")
    op.drop_table("delivered_frames")


def _join(connection: sa.Connection) -> None:
    """Join the spans of each boot, one gateway at a time: a year of one is some 100,000 rows."""
    table = deliveries.c
    newest_us = connection.scalar(sa.select(sa.func.max(table.received_until_at_us))) or 0
    for eui in connection.scalars(sa.select(table.eui).distinct()).all():
        query = sa.select(deliveries).where(table.eui == eui).order_by(table.boot, table.seq)
        spans = [dict(row) for row in connection.execute(query).mappings()]
        runs: list[dict[str, Any]] = []
        for span in spans:
            if not runs or not _grow(runs[-1], span):
                runs.append(span | {"last_seq": span["seq"]})
        connection.execute(sa.delete(deliveries).where(table.eui == eui))
        connection.execute(sa.insert(deliveries), runs)
        _count(connection, eui, spans, newest_us - FRAMES_DAYS * DAY_US)


def _grow(run: dict[str, Any], span: dict[str, Any]) -> bool:
    """Grow a run by a span that follows it; False: it does not."""
    from_us = run["received_from_at_us"]
    waited_us = max(each["acked_at_us"] - each["received_from_at_us"] for each in (run, span))
    same = all(run[name] == span[name] for name in ("boot", "connector"))
    if not same or run["received_until_at_us"] != span["received_from_at_us"]:
        return False
    if bool(run["dropped"]) != bool(span["dropped"]) or (not span["dropped"] and waited_us > PROMPT_US):
        return False
    if _month(from_us) != _month(span["received_until_at_us"] - 1):
        return False
    run["dropped"] = dict(Counter(run["dropped"]) + Counter(span["dropped"]))
    run["frames"] += span["frames"]
    run["last_seq"], run["received_until_at_us"] = span["seq"], span["received_until_at_us"]
    run["acked_at_us"] = from_us + waited_us
    run["recorded_at_us"] = max(run["recorded_at_us"], span["recorded_at_us"])
    return True


def _month(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(PARIS):%Y-%m}"


def _count(connection: sa.Connection, eui: str, spans: list[dict[str, Any]], since_us: int) -> None:
    days: dict[int, list[int]] = {}
    for span in spans:
        if span["received_until_at_us"] >= since_us:
            day, inside_us = divmod(span["received_until_at_us"], DAY_US)
            days.setdefault(day, [0] * SLOTS)[inside_us // SLOT_US] += span["frames"]
    if days:
        rows = [{"eui": eui, "day_number": day, "slots": slots} for day, slots in days.items()]
        connection.execute(sa.insert(delivered_frames), rows)
