"""A small fleet for tests: a database with two communes and three gateways, and a clock that stands."""

import functools
import itertools
import os
import tempfile
from pathlib import Path

import msgspec
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from agent.wire import topics
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from fleet.broker.received import Received
from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.evidence import vitals
from fleet.evidence.store import store_batch
from fleet.registry import document, store

NOW_US = 1_795_000_000_000_000
"""2026-11-18T09:46:40Z."""
EUIS = ("0016c001f1000001", "0016c001f1000002", "0016c001f1000003")
DOCUMENT = {
    "communes": [
        {"insee": "37281", "name": "Vouvray", "epci": "CCTEV", "departement": "37", "population": 3200},
        {"insee": "37015", "name": "Azay-sur-Cher", "epci": "CCTEV", "departement": "37", "population": 3100},
    ],
    "sites": [
        {"key": "vouvray-mairie", "name": "Mairie de Vouvray", "commune_insee": "37281", "kind": "town_hall"},
        {"key": "azay-eglise", "name": "Église", "commune_insee": "37015", "power_feeder": "F1"},
    ],
    "gateways": [
        {"eui": EUIS[0], "name": "Vouvray 1", "site_key": "vouvray-mairie", "status": "accepted"},
        {"eui": EUIS[1], "name": "Azay 1", "site_key": "azay-eglise", "status": "accepted"},
        {"eui": EUIS[2], "name": "Azay 2", "site_key": "azay-eglise"},
    ],
    "memberships": [
        {"commune_insee": "37281", "eui": EUIS[0]},
        {"commune_insee": "37015", "eui": EUIS[1]},
        {"commune_insee": "37015", "eui": EUIS[2]},
    ],
}


class StandingClock:
    """Time that only a test moves; ``step`` moves UTC alone."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.now = now_us
        self.stepped_us = 0

    def now_us(self) -> int:
        return self.now

    def monotonic_us(self) -> int:
        return self.now - self.stepped_us

    def step(self, by_us: int) -> None:
        self.now += by_us
        self.stepped_us += by_us


@functools.cache
def _template() -> bytes:
    """An empty database as bytes: making some sixty tables takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.db"
        database = Database(sqlite_url(path))
        create_schema(database)
        database.close()
        return path.read_bytes()


def empty_database(folder) -> Database:
    """An empty database: SQLite, or one on the server that PASSERELLE_TEST_POSTGRESQL names."""
    if server := os.environ.get("PASSERELLE_TEST_POSTGRESQL"):
        return _on_server(server)
    path = Path(folder) / "fleet.db"
    path.write_bytes(_template())
    return Database(sqlite_url(path))


_NUMBERS = itertools.count()


def _on_server(server: str) -> Database:
    """A new database of this process on a PostgreSQL server, from an empty one that is made once."""
    template, name = f"empty_{os.getpid()}", f"fleet_{os.getpid()}_{next(_NUMBERS)}"
    administrator = create_engine(
        make_url(server).set(drivername="postgresql+psycopg"),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
    )
    address = make_url(server).set(drivername="postgresql+psycopg")
    with administrator.connect() as connection:
        if name.endswith("_0"):
            connection.execute(text(f"CREATE DATABASE {template}"))
            database = Database(_url(address.set(database=template)))
            create_schema(database)
            database.close()
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return Database(_url(address.set(database=name)))


def _url(address: URL) -> str:
    return address.render_as_string(hide_password=False)


def founded_database(folder, now_us: int = NOW_US) -> Database:
    database = empty_database(folder)
    with database.write() as connection:
        read = document.read_document(msgspec.json.encode(DOCUMENT), store.known_keys(connection))
        assert read.problems == []
        store.apply_document(connection, read, who="test", now_us=now_us)
    return database


def store_rows(connection, rows) -> None:
    """Write sorted messages as the engine does."""
    store_batch(connection, rows, vitals.rows_of(connection, rows.vitals))


def heartbeat(
    seq: int = 1, *, at_us: int = NOW_US, boot: int = 7, interval_s: int = 30, **fields
) -> Heartbeat:
    told = {
        "uptime_ms": seq * interval_s * 1000,
        "journal_seq": 1,
        "time_quality": TimeQuality.NTP,
        "radio": Radio.RECEIVING,
        "connectors": (ConnectorBeat("lns", True, 500),),
        "spool_records": 0,
        "spool_accepting": True,
        "received": seq,
        "delivered": seq,
        "dropped": 0,
        "config_version": 1,
        "interval_s": interval_s,
    }
    return Heartbeat(boot=boot, seq=seq, at_us=at_us, **(told | fields))


def received(eui: str, leaf: str, message, *, at_us: int = NOW_US, retained: bool = False) -> Received:
    payload = message if isinstance(message, bytes) else encode(message)
    return Received(topic=topics.topic(eui, leaf), payload=payload, retained=retained, received_at_us=at_us)
