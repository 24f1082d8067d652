"""A small month on which tricks are tried: two communes that each lost their service, closed by the product.

A serves X and B serves Y; C and D are up all month, C serves nobody, D is planned for Y and was not accepted.
The month is closed by ``fleet.months.closer``, from a database, with the snapshot of its first minute.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from sqlalchemy import Connection, Table, insert

from fleet.availability import document
from fleet.availability.people import PersonChange, changes
from fleet.broker.inbox import Inbox
from fleet.clock import Clock
from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.blindness import Closed, Opened
from fleet.evidence.facts import store_closed_sight
from fleet.evidence.store import journal_row, run_row
from fleet.evidence.tables import heartbeat_runs, journal_records, latest
from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.months.closer import Closer
from fleet.registry.store import accept
from fleet.registry.tables import communes, gateways, memberships, sites
from fleet.simulation.gateway import Trouble, TroubleKind, live

MONTH = "2026-10"
WINDOW = month_window(MONTH)
A, B, C, D = (f"0016c0010000000{number}" for number in range(1, 5))
X, Y = "37001", "37002"
LENGTH_US = 40 * MINUTE_US
LOSSES = {A: (5, 12, 19), B: (8, 15)}
"""Days of the month at whose noon a gateway is cut off for ``LENGTH_US``."""
BEFORE_US = WINDOW.start_us - 30 * DAY_US
LATE_US = WINDOW.start_us + 29 * DAY_US
"""The 30th: the month is as good as known."""


@dataclass(slots=True)
class Standing:
    """A clock that the stage moves."""

    at_us: int

    def now_us(self) -> int:
        """Return the instant that the stage is at."""
        return self.at_us

    def monotonic_us(self) -> int:
        """Return the same: nothing steps here."""
        return self.at_us


@dataclass(slots=True)
class Stage:
    """One database, and the settings as the operator has them when the month closes."""

    database: Database
    settings: ContractSettings = field(default_factory=lambda: DEFAULTS)

    @contextmanager
    def act(self) -> Iterator[Connection]:
        """Give the transaction in which a person does something."""
        with self.database.write() as connection:
            yield connection


@dataclass(frozen=True, slots=True)
class Ending:
    """What the month came to."""

    ratios: dict[str, Fraction | None]
    """Availability of the whole (no name) and of each commune that the contract promises."""
    people: tuple[PersonChange, ...]


def losses(eui: str) -> list[tuple[int, int]]:
    """Return when a gateway was cut off."""
    starts = (WINDOW.start_us + (day - 1) * DAY_US + 12 * HOUR_US for day in LOSSES.get(eui, ()))
    return [(start_us, start_us + LENGTH_US) for start_us in starts]


def play(folder: Path, trick: Callable[[Stage], None] | None) -> Ending:
    """Return how the month closes after a trick; None: nobody tries anything."""
    stage = Stage(Database(sqlite_url(folder / "fleet.db")))
    try:
        create_schema(stage.database)
        with stage.act() as connection:
            _found(connection)
            for eui in (A, B, C, D):
                _live(connection, eui)
        clock = Standing(WINDOW.start_us + MINUTE_US)
        _closer(stage, clock).take_snapshot()
        if trick is not None:
            trick(stage)
        clock.at_us = closes_at_us(MONTH)
        version = _closer(stage, clock).look()
        assert version is not None
        figures = version.figures
        parts = {"": figures["whole"]} | {one["insee"]: one for one in figures["communes"]}
        given = document.read(version.facts)
        return Ending(
            {name: _ratio(one["served"], one["charged"]) for name, one in parts.items()}, changes(given)
        )
    finally:
        stage.database.close()


def _ratio(served: int, charged: int) -> Fraction | None:
    return Fraction(served, served + charged) if served + charged else None


def _closer(stage: Stage, clock: Clock) -> Closer:
    return Closer(
        database=stage.database,
        clock=clock,
        inbox=Inbox(),
        clock_is_sure=lambda: True,
        settings=stage.settings,
    )


def _found(connection: Connection) -> None:
    for insee in (X, Y):
        connection.execute(insert(communes).values(insee=insee, name=insee, epci="E", population=1_000))
    connection.execute(insert(sites).values(id=1, key="s", name="s", commune_insee=X))
    for eui in (A, B, C, D):
        connection.execute(insert(gateways).values(eui=eui, name=eui, site_id=1))
        if eui != D:
            accept(connection, eui, at_us=BEFORE_US, who="NOC", now_us=BEFORE_US)
    for insee, eui in ((X, A), (Y, B), (Y, D)):
        member(connection, insee, eui, from_us=BEFORE_US, recorded_at_us=BEFORE_US)


def member(connection: Connection, insee: str, eui: str, *, from_us: int, recorded_at_us: int) -> None:
    """Say that a gateway serves a commune."""
    row = {"commune_insee": insee, "eui": eui, "valid_from_at_us": from_us, "approved_by": "NOC"}
    connection.execute(insert(memberships).values(row | {"recorded_at_us": recorded_at_us}))


def _live(connection: Connection, eui: str) -> None:
    troubles = [
        Trouble((start_us - WINDOW.start_us) // 1000, LENGTH_US // 1000, TroubleKind.POWER)
        for start_us, _ in losses(eui)
    ]
    lived = live(eui, WINDOW.start_us, (WINDOW.length_us + HOUR_US) // 1000, troubles)
    _write(connection, latest, [{"eui": eui}])
    _write(connection, heartbeat_runs, [run_row(one) for one in lived.runs])
    _write(connection, journal_records, [journal_row(one) for one in lived.journal])
    if eui == B:
        start_us, end_us = losses(B)[1]
        blind = Opened(from_us=start_us, path="canary", reason="no canary came back"), Closed(until_us=end_us)
        store_closed_sight(connection, *blind, end_us)


def _write(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(table), rows)
