"""Rollouts in a list: how far each is, counted in the database."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, RowMapping, func, select

from fleet.rollouts.model import RolloutState, Step, Wave
from fleet.rollouts.store import StoredRollout
from fleet.rollouts.tables import rollout_gateways as gateways
from fleet.rollouts.tables import rollouts

LISTED_LIMIT = 50
"""Newest rollouts that a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One rollout in a list: how far it is, without its gateways."""

    id: int
    reason: str
    state: RolloutState
    wave: str
    """Name of the present wave."""
    halted_why: str
    created_by: str
    created_at_us: int
    counts: Mapping[Step, int]
    """How many gateways are at each step."""


def recent(connection: Connection) -> list[Summary]:
    """Return the newest rollouts, newest first."""
    query = select(rollouts).order_by(rollouts.c.id.desc()).limit(LISTED_LIMIT)
    rows = connection.execute(query).mappings().all()
    counts: dict[int, dict[Step, int]] = {row["id"]: {} for row in rows}
    by_step = select(gateways.c.rollout_id, gateways.c.step, func.count()).group_by(
        gateways.c.rollout_id, gateways.c.step
    )
    for number, step, count in connection.execute(by_step.where(gateways.c.rollout_id.in_(list(counts)))):
        counts[number][Step(step)] = count
    return [_summary(row, counts[row["id"]]) for row in rows]


def summary_of(stored: StoredRollout) -> Summary:
    """Return one rollout as a list shows it."""
    rollout = stored.rollout
    counts: dict[Step, int] = {}
    for one in rollout.steps.values():
        counts[one.step] = counts.get(one.step, 0) + 1
    return Summary(
        id=stored.id,
        reason=stored.reason,
        state=rollout.state,
        wave=rollout.waves[rollout.wave].name,
        halted_why=rollout.halted_why,
        created_by=stored.created_by,
        created_at_us=stored.created_at_us,
        counts=counts,
    )


def _summary(row: RowMapping, counts: Mapping[Step, int]) -> Summary:
    return Summary(
        id=row["id"],
        reason=row["reason"],
        state=RolloutState(row["state"]),
        wave=msgspec.convert(row["waves"], tuple[Wave, ...])[row["wave"]].name,
        halted_why=row["halted_why"],
        created_by=row["created_by"],
        created_at_us=row["created_at_us"],
        counts=counts,
    )
