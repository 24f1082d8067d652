"""Rows of rollouts: every query of them; decides nothing."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from fleet.db.seals import changing, is_intact, seal_rows, taking_away
from fleet.rollouts.model import (
    NO_CONTROLS,
    OPEN_STATES,
    Controls,
    Failure,
    GatewayStep,
    Hold,
    Rollout,
    RolloutSettings,
    RolloutState,
    Step,
    Wave,
    WaveState,
)
from fleet.rollouts.tables import rollout_gateways as gateways
from fleet.rollouts.tables import rollouts

Seals = Callable[[int, Mapping[str, int]], Mapping[str, str]]
"""(number of a rollout, EUI → the version that it goes back to) → EUI → seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRollout:
    """One rollout with what people know it by."""

    id: int
    reason: str
    changes: Mapping[str, str]
    created_by: str
    created_at_us: int
    looked_at_us: int
    base_versions: Mapping[str, int]
    """EUI → the version that it goes back to."""
    back_seals: Mapping[str, str]
    """EUI → the seal over that (``authorised``)."""
    judgement: Mapping[str, Any] | None
    revoked_at_us: int | None
    """When a person revoked it, microseconds UTC: nothing of it is ever sent again."""
    rollout: Rollout
    controls: Controls = NO_CONTROLS
    intact: bool = True
    """Its author, controls and revocation are as this program wrote them (``fleet.db.seals``)."""
    own_changes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """EUI → what changes on this gateway in place of ``changes``: its values of a layer."""

    def changes_of(self, eui: str) -> Mapping[str, str]:
        """Return what changes on one gateway, path → value."""
        return self.own_changes.get(eui, self.changes)

    @property
    def name(self) -> str:
        """How incidents and tickets name it."""
        return name_of(self.id)


def create(
    connection: Connection,
    rollout: Rollout,
    *,
    reason: str,
    changes: Mapping[str, str],
    base_versions: Mapping[str, int],
    seals: Seals,
    who: str,
    now_us: int,
    controls: Controls = NO_CONTROLS,
    own_changes: Mapping[str, Mapping[str, str]] | None = None,
) -> int:
    """Store a new rollout and return its number."""
    row = {
        "controls": msgspec.to_builtins(controls),
        "reason": reason,
        "changes": dict(changes),
        "settings": msgspec.to_builtins(rollout.settings),
        "waves": msgspec.to_builtins(rollout.waves),
        "created_by": who,
        "created_at_us": now_us,
        **_state_row(rollout),
    }
    number = int(connection.execute(insert(rollouts).values(row).returning(rollouts.c.id)).scalar_one())
    seal_rows(connection, rollouts, rollouts.c.id == number)
    add_gateways(connection, number, rollout.steps.values(), base_versions, own_changes or {}, seals=seals)
    return number


def add_gateways(
    connection: Connection,
    number: int,
    steps: Iterable[GatewayStep],
    base_versions: Mapping[str, int],
    own_changes: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    *,
    seals: Seals,
) -> None:
    """Store the gateways of a rollout that are new in it."""
    sealed = seals(number, base_versions)
    rows = [
        _step_row(one)
        | {"rollout_id": number, "eui": one.eui}
        | {"base_version": base_versions[one.eui], "back_seal": sealed[one.eui]}
        | {"changes": dict(own_changes[one.eui]) if one.eui in own_changes else None}
        for one in steps
    ]
    if rows:
        connection.execute(insert(gateways), rows)


def save(connection: Connection, before: StoredRollout, after: Rollout, now_us: int) -> None:
    """Store what a look changed: the rollout, and the gateways whose step is another."""
    row = {**_state_row(after), "looked_at_us": now_us}
    connection.execute(update(rollouts).where(rollouts.c.id == before.id).values(row))
    for eui, one in after.steps.items():
        if one != before.rollout.steps.get(eui):
            mine = (gateways.c.rollout_id == before.id) & (gateways.c.eui == eui)
            connection.execute(update(gateways).where(mine).values(_step_row(one)))


def save_judgement(connection: Connection, number: int, judgement: Mapping[str, Any] | None) -> None:
    """Store what the measurements said."""
    connection.execute(
        update(rollouts).where(rollouts.c.id == number).values(judgement=judgement and dict(judgement))
    )


def save_controls(connection: Connection, number: int, controls: Controls) -> None:
    """Store who restarts with the canaries."""
    kept, mine = msgspec.to_builtins(controls), rollouts.c.id == number
    with changing(connection, rollouts, mine):
        connection.execute(update(rollouts).where(mine).values(controls=kept))


def mark_revoked(connection: Connection, number: int, now_us: int) -> None:
    """Store that a rollout was revoked for good."""
    mine = rollouts.c.id == number
    with taking_away(connection, rollouts, mine):
        connection.execute(update(rollouts).where(mine).values(revoked_at_us=now_us))


def get(connection: Connection, number: int, *, lock: bool = False) -> StoredRollout | None:
    """Return one rollout; ``lock``: nobody else changes it in this transaction."""
    query = select(rollouts).where(rollouts.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).mappings().first()
    return None if row is None else _stored(connection, row)


def is_unchanged(connection: Connection, before: StoredRollout) -> bool:
    """Return whether a rollout is as it was read; nobody else changes it in this transaction from now on.

    Every order of a person and every look changes its own row, whatever it does to gateways.
    """
    query = select(rollouts).where(rollouts.c.id == before.id).with_for_update()
    row = connection.execute(query).mappings().first()
    known = {**_state_row(before.rollout), "looked_at_us": before.looked_at_us, "judgement": before.judgement}
    return row is not None and all(row[name] == value for name, value in known.items())


def open_rollouts(connection: Connection) -> list[StoredRollout]:
    """Return the rollouts that are not over, the oldest first."""
    mine = rollouts.c.state.in_(sorted(OPEN_STATES))
    rows = connection.execute(select(rollouts).where(mine).order_by(rollouts.c.id)).mappings()
    return [_stored(connection, row) for row in rows.all()]


def due(connection: Connection, before_us: int) -> list[int]:
    """Return the numbers of open rollouts that were looked at last before an instant."""
    mine = rollouts.c.state.in_(sorted(OPEN_STATES)) & (rollouts.c.looked_at_us <= before_us)
    return list(connection.execute(select(rollouts.c.id).where(mine).order_by(rollouts.c.id)).scalars())


def carrying(connection: Connection, path: str, value: str) -> list[int]:
    """Return the numbers of the rollouts that set a path to a value and are not revoked, the newest first.

    A layer may set it on a few gateways alone, as changes of their own.
    """
    standing = rollouts.c.revoked_at_us.is_(None)
    of_all = select(rollouts.c.id, rollouts.c.changes).where(standing)
    own = select(rollouts.c.id, gateways.c.changes).join(gateways, gateways.c.rollout_id == rollouts.c.id)
    rows = [*connection.execute(of_all), *connection.execute(own.where(standing))]
    return sorted({row.id for row in rows if row.changes and row.changes.get(path) == value}, reverse=True)


def issued_versions(connection: Connection, number: int) -> list[tuple[str, int]]:
    """Return EUI and version of what a rollout issued and did not take back."""
    mine = (gateways.c.rollout_id == number) & gateways.c.version.is_not(None)
    forward = mine & gateways.c.step.not_in([Step.REVERTING, Step.REVERTED])
    return [(row.eui, row.version) for row in connection.execute(select(gateways).where(forward))]


def under_way(connection: Connection) -> list[tuple[str, int, str]]:
    """Return the gateways on which a rollout works now: EUI, since when, name of the rollout."""
    mine = gateways.c.step.in_([Step.APPLYING, Step.REVERTING]) & rollouts.c.state.in_(sorted(OPEN_STATES))
    query = (
        select(gateways.c.eui, gateways.c.since_us, rollouts.c.id)
        .join(rollouts, gateways.c.rollout_id == rollouts.c.id)
        .where(mine)
    )
    return [(eui, since_us, name_of(number)) for eui, since_us, number in connection.execute(query)]


def name_of(number: int) -> str:
    """Return how incidents, tickets and people name a rollout."""
    return f"n° {number}"


def busy_gateways(connection: Connection, except_id: int | None = None) -> dict[str, int]:
    """Return EUI → the open rollout in which it still has something to do."""
    busy = gateways.c.step.in_([Step.PENDING, Step.APPLYING, Step.REVERTING])
    query = (
        select(gateways.c.eui, rollouts.c.id)
        .join(rollouts, gateways.c.rollout_id == rollouts.c.id)
        .where(busy, rollouts.c.state.in_(sorted(OPEN_STATES)))
    )
    return {eui: number for eui, number in connection.execute(query) if number != except_id}


# --- rows and values --------------------------------------------------------------------------------
def _state_row(rollout: Rollout) -> dict[str, object]:
    return {
        "state": rollout.state,
        "wave": rollout.wave,
        "wave_state": rollout.wave_state,
        "wave_since_us": rollout.wave_since_us,
        "since_us": rollout.since_us,
        "back_from_wave": rollout.back_from_wave,
        "halted_why": rollout.halted_why,
    }


def _step_row(one: GatewayStep) -> dict[str, object]:
    return {
        "wave": one.wave,
        "step": one.step,
        "since_us": one.since_us,
        "version": one.version,
        "hold": one.hold,
        "failure": one.failure,
        "reason": one.reason,
        "forgiven": one.forgiven,
    }


def _stored(connection: Connection, row: RowMapping) -> StoredRollout:
    mine = select(gateways).where(gateways.c.rollout_id == row["id"])
    found = connection.execute(mine).mappings().all()
    return StoredRollout(
        id=row["id"],
        reason=row["reason"],
        changes=row["changes"],
        created_by=row["created_by"],
        created_at_us=row["created_at_us"],
        looked_at_us=row["looked_at_us"],
        base_versions={one["eui"]: one["base_version"] for one in found},
        back_seals={one["eui"]: one["back_seal"] for one in found},
        judgement=row["judgement"],
        controls=msgspec.convert(row["controls"] or {}, Controls),
        own_changes={one["eui"]: one["changes"] for one in found if one["changes"] is not None},
        revoked_at_us=row["revoked_at_us"],
        intact=is_intact(connection, rollouts, row),
        rollout=Rollout(
            state=RolloutState(row["state"]),
            waves=msgspec.convert(row["waves"], tuple[Wave, ...]),
            wave=row["wave"],
            wave_state=WaveState(row["wave_state"]),
            wave_since_us=row["wave_since_us"],
            since_us=row["since_us"],
            back_from_wave=row["back_from_wave"],
            halted_why=row["halted_why"],
            steps={one["eui"]: _step(one) for one in found},
            settings=msgspec.convert(row["settings"], RolloutSettings),
        ),
    )


def _step(row: RowMapping) -> GatewayStep:
    return GatewayStep(
        eui=row["eui"],
        wave=row["wave"],
        step=Step(row["step"]),
        since_us=row["since_us"],
        version=row["version"],
        hold=Hold(row["hold"]),
        failure=Failure(row["failure"]),
        reason=row["reason"],
        forgiven=row["forgiven"],
    )
