"""Numbers of versions and instructions: above all that a gateway obeyed, if the database was restored too."""

from sqlalchemy import Connection, func, select

from agent.wire.envelope import EnvelopeKind
from fleet.configurations.tables import configuration_versions as versions
from fleet.configurations.tables import instructions
from fleet.durations import SECOND_US
from fleet.evidence.tables import reported_configurations as reports

AHEAD_LIMIT = 10_000
"""Versions that a gateway may have seen beyond ours; one that claims more is not followed."""
NUMBERED_SINCE_US = 1_767_225_600_000_000
"""2026-01-01 UTC: instant of number 0 of an instruction."""
NUMBER_EVERY_US = 10 * SECOND_US
"""No gateway gets more of a kind in the long run; an INTEGER of PostgreSQL lasts for 680 years."""


def next_version(connection: Connection, eui: str) -> int:
    """Return the number of the next version of one gateway; the first is 1.

    A restored database knows less than its gateways, which obey no number that they have seen.
    """
    newest = newest_number(connection, eui)
    seen = connection.scalar(select(reports.c.seen_version).where(reports.c.eui == eui)) or 0
    return (seen if newest < seen <= newest + AHEAD_LIMIT else newest) + 1


def newest_number(connection: Connection, eui: str) -> int:
    """Return the number of the newest version of one gateway; 0: it has none."""
    return int(connection.scalar(select(func.max(versions.c.version)).where(versions.c.eui == eui)) or 0)


def next_instruction(connection: Connection, eui: str, kind: EnvelopeKind, now_us: int) -> int:
    """Return the number of the next instruction of that kind to one gateway.

    Numbers follow the time, so that those of a restored database are above what its gateways have obeyed.
    """
    mine = (instructions.c.eui == eui) & (instructions.c.kind == kind)
    newest = int(connection.scalar(select(func.max(instructions.c.version)).where(mine)) or 0)
    return max(newest, (now_us - NUMBERED_SINCE_US) // NUMBER_EVERY_US) + 1
