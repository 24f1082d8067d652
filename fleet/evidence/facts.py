"""Facts of people and of our own eyes: commissioning, maintenance, statements, blindness."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, insert, select, update

from fleet.db.upsert import upsert
from fleet.durations import MINUTE_US
from fleet.evidence.blindness import Closed, Opened
from fleet.evidence.quarantines import load_unheard
from fleet.evidence.tables import blindness, maintenances, marks, statements
from fleet.facts.model import (
    Blindness,
    Commissioning,
    CommissioningKind,
    Maintenance,
    OperatorStatement,
    WithdrawalReason,
)
from fleet.facts.months import year_start_us
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import Cause
from fleet.registry.tables import commissioning

LAST_CYCLE = "last_cycle"
BEGINS_WITHIN_US = 5 * MINUTE_US
"""By how much late facts may move the beginning of a loss that a change is suspected of."""


def load_commissioning(connection: Connection) -> list[Commissioning]:
    """Return every acceptance and withdrawal."""
    return [
        Commissioning(
            id=str(row["id"]),
            eui=row["eui"],
            kind=CommissioningKind(row["kind"]),
            at_us=row["at_us"],
            who=row["recorded_by"],
            second=row["second"],
            reason=WithdrawalReason(row["reason"]) if row["reason"] else None,
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(select(commissioning)).mappings()
    ]


def load_maintenances(connection: Connection, from_us: int) -> list[Maintenance]:
    """Return the planned works that end after ``from_us`` and those before in its year, which weigh too.

    A window that was withdrawn gives two: as it was announced, and as it was withdrawn.
    """
    since_us = min(from_us, year_start_us(from_us))
    query = select(maintenances).where(maintenances.c.until_at_us > since_us)
    return [one for row in connection.execute(query).mappings() for one in _revisions(row)]


def _revisions(row: RowMapping) -> list[Maintenance]:
    known_us = row["withdrawn_at_us"]
    announced = Maintenance(
        id=str(row["id"]),
        euis=tuple(row["euis"]),
        start_us=row["from_at_us"],
        end_us=row["until_at_us"],
        announced_at_us=row["announced_at_us"],
        approved_by=row["approved_by"],
        reason=row["reason"],
        withdrawn=row["withdrawn"] and known_us is None,
        recorded_at_us=row["recorded_at_us"],
    )
    if known_us is None:
        return [announced]
    by = row["withdrawn_by"]
    return [announced, replace(announced, withdrawn=True, withdrawn_by=by, recorded_at_us=known_us)]


def load_statements(connection: Connection, from_us: int) -> list[OperatorStatement]:
    """Return what people said of causes, of spans that end after ``from_us``."""
    query = select(statements).where(statements.c.until_at_us > from_us)
    return [
        OperatorStatement(
            id=str(row["id"]),
            eui=row["eui"],
            start_us=row["from_at_us"],
            end_us=row["until_at_us"],
            cause=Cause(row["cause"]),
            responsible=row["responsible"],
            text=row["text"],
            who=row["who"],
            withdrawn=row["withdrawn"],
            recorded_at_us=row["recorded_at_us"],
            suspected=row["suspected"],
        )
        for row in connection.execute(query).mappings()
    ]


def store_suspicions(
    connection: Connection, losses: Mapping[str, int], text: str, who: str, now_us: int
) -> None:
    """Charge losses to us because of a change of ours: EUI → when it began; once each."""
    charged = {row.eui for row in _suspicions(connection, losses)}
    rows = [
        {
            "eui": eui,
            "from_at_us": began_us - BEGINS_WITHIN_US,
            "until_at_us": began_us + BEGINS_WITHIN_US,
            "cause": Cause.OURS,
            "text": text,
            "who": who,
            "recorded_at_us": now_us,
            "suspected": True,
        }
        for eui, began_us in losses.items()
        if eui not in charged
    ]
    if rows:
        connection.execute(insert(statements), rows)


def withdraw_suspicions(connection: Connection, losses: Mapping[str, int], now_us: int) -> None:
    """Take back what was suspected of losses, EUI → when it began: another cause was proved."""
    numbers = [row.id for row in _suspicions(connection, losses)]
    if numbers:
        mine = statements.c.id.in_(numbers)
        taken_back = {"withdrawn": True, "recorded_at_us": now_us}
        connection.execute(update(statements).where(mine).values(taken_back))


def suspicions_changed(connection: Connection, now_us: int) -> bool:
    """Return whether a loss was charged to us, or no longer, at this very instant."""
    mine = statements.c.suspected & (statements.c.recorded_at_us == now_us)
    return connection.scalar(select(statements.c.id).where(mine).limit(1)) is not None


def _suspicions(connection: Connection, losses: Mapping[str, int]) -> list[Row[Any]]:
    """Return the rows that charge one of these losses to us."""
    mine = statements.c.eui.in_(list(losses)) & statements.c.suspected & statements.c.withdrawn.is_(False)
    rows = connection.execute(select(statements).where(mine))
    return [row for row in rows if row.from_at_us <= losses[row.eui] < row.until_at_us]


def load_blindness(
    connection: Connection, from_us: int, settings: ContractSettings = DEFAULTS
) -> tuple[Blindness, ...]:
    """Return our own blindness that lasted, with the time after recovery, beyond ``from_us``."""
    from_us -= settings.blindness_tail_us
    return *_load_own(connection, from_us), *load_unheard(connection, from_us)


def _load_own(connection: Connection, from_us: int) -> tuple[Blindness, ...]:
    ended = blindness.c.until_at_us.is_(None) | (blindness.c.until_at_us > from_us)
    return tuple(
        Blindness(
            id=str(row["id"]),
            start_us=row["from_at_us"],
            end_us=row["until_at_us"],
            path=row["path"],
            reason=row["reason"],
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(select(blindness).where(ended).order_by(blindness.c.id)).mappings()
    )


def store_sight(connection: Connection, change: Opened | Closed, now_us: int) -> None:
    """Write that we became blind, or that we see again."""
    if isinstance(change, Opened):
        row = {"from_at_us": change.from_us, "path": change.path, "reason": change.reason}
        connection.execute(insert(blindness).values(row | {"recorded_at_us": now_us}))
        return
    open_ = update(blindness).where(blindness.c.until_at_us.is_(None))
    connection.execute(open_.values(until_at_us=change.until_us, recorded_at_us=now_us))


def store_closed_sight(connection: Connection, opened: Opened, closed: Closed, now_us: int) -> None:
    """Write a time of blindness that is over, beside any that lasts."""
    row = {"from_at_us": opened.from_us, "path": opened.path, "reason": opened.reason}
    whole = row | {"until_at_us": closed.until_us, "recorded_at_us": now_us}
    connection.execute(insert(blindness).values(whole))


def mark(connection: Connection, name: str, at_us: int) -> None:
    """Keep one instant of our own life."""
    upsert(connection, marks, [{"name": name, "at_us": at_us}], key=("name",))


def marked(connection: Connection, name: str) -> int | None:
    """Return the instant that was kept by ``name``."""
    return connection.scalar(select(marks.c.at_us).where(marks.c.name == name))
