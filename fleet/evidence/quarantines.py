"""Quarantines in the database: one row each, open while ``ended_at_us`` is null.  No decisions."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from fleet.durations import HOUR_US
from fleet.evidence.allowance import MessageKind
from fleet.evidence.quarantine import Quarantine, RecentQuarantines
from fleet.evidence.tables import quarantines
from fleet.facts.model import Blindness
from fleet.lang.reasons import FleetReason, own

PATH = "quarantine"
"""``Blindness.path``: we did not listen to that gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One open quarantine, for people."""

    eui: str
    began_us: int
    budget: MessageKind
    refused: int
    """Messages so far."""


def load_open(connection: Connection) -> Mapping[str, Quarantine]:
    """Return the open ones by EUI, as an engine that begins takes them up."""
    query = select(quarantines).where(quarantines.c.ended_at_us.is_(None))
    return {
        row["eui"]: Quarantine(
            since_us=row["began_at_us"],
            budget=MessageKind(row["budget"]),
            beyond_us=row["beyond_at_us"],
            refused=row["refused"],
            number=row["id"],
        )
        for row in connection.execute(query).mappings()
    }


def load_recent(connection: Connection, now_us: int) -> RecentQuarantines:
    """Return those that began within the last hour; who was spared goes beyond its budget again."""
    began = quarantines.c.began_at_us
    query = select(began).where(began > now_us - HOUR_US).order_by(began)
    return RecentQuarantines(begun_at_us=tuple(connection.scalars(query)))


def held(connection: Connection, eui: str) -> Held | None:
    """Return the open quarantine of one gateway."""
    found = load_open(connection).get(eui)
    if found is None:
        return None
    return Held(eui=eui, began_us=found.since_us, budget=found.budget, refused=found.refused)


def count_open(connection: Connection) -> int:
    """Return how many gateways are not listened to."""
    query = select(func.count()).select_from(quarantines).where(quarantines.c.ended_at_us.is_(None))
    return connection.scalar(query) or 0


def load_unheard(connection: Connection, from_us: int) -> tuple[Blindness, ...]:
    """Return, as our own blindness, the times after ``from_us`` in which we did not listen to a gateway."""
    ended = quarantines.c.ended_at_us.is_(None) | (quarantines.c.ended_at_us > from_us)
    return tuple(
        Blindness(
            id=f"{PATH}/{row['id']}",
            start_us=row["began_at_us"],
            end_us=row["ended_at_us"],
            path=PATH,
            euis=(row["eui"],),
            reason=own(FleetReason.QUARANTINED),
            recorded_at_us=row["recorded_at_us"],
        )
        for row in connection.execute(select(quarantines).where(ended).order_by(quarantines.c.id)).mappings()
    )


def begin(connection: Connection, eui: str, one: Quarantine, now_us: int) -> int:
    """Write that a gateway is not listened to; return the number of the row."""
    row = {"eui": eui, "began_at_us": one.since_us, "budget": one.budget.value, "refused": one.refused}
    whole = row | {"beyond_at_us": one.beyond_us, "ended_by": "", "recorded_at_us": now_us}
    added = insert(quarantines).values(whole).returning(quarantines.c.id)
    number: int = connection.execute(added).scalar_one()
    return number


def grow(connection: Connection, one: Quarantine) -> None:
    """Write what it refused so far."""
    mine = update(quarantines).where(quarantines.c.id == one.number)
    connection.execute(mine.values(refused=one.refused, beyond_at_us=one.beyond_us))


def end(connection: Connection, eui: str, *, who: str, now_us: int) -> bool:
    """End the open quarantine of a gateway, by nobody when it was calm; return whether there was one."""
    open_ = update(quarantines).where(quarantines.c.eui == eui, quarantines.c.ended_at_us.is_(None))
    values = {"ended_at_us": now_us, "ended_by": who, "recorded_at_us": now_us}
    return connection.execute(open_.values(values)).rowcount > 0
