"""Whether a code that somebody reads out was shown by one of these gateways at that instant."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from agent.wire.onsite import code_is_good
from fleet.evidence.tables import heartbeat_runs

BOOTS_LIMIT = 20
"""Newest runs of heartbeats that are looked at, over all gateways of a site."""


def shown_by(connection: Connection, euis: Sequence[str], code: str, at_us: int) -> bool:
    """Return whether one of ``euis`` showed ``code`` around ``at_us``; heartbeats tell the boot."""
    columns = heartbeat_runs.c
    query = select(columns.eui, columns.boot, columns.last_uptime_ms, columns.last_at_us)
    mine = query.where(columns.eui.in_(euis)).order_by(columns.last_at_us.desc()).limit(BOOTS_LIMIT)
    return any(
        code_is_good(row.boot, row.eui, row.last_uptime_ms + (at_us - row.last_at_us) // 1000, code)
        for row in connection.execute(mine)
    )
