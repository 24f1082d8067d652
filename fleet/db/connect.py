"""The database: SQLite in WAL mode by default, PostgreSQL by URL; reading and writing transactions.

SQLite synchronises its log at each commit (``synchronous=FULL``): NORMAL would lose with the power what the
broker was told to be stored.

Sources: sqlite.org/wal.html, /pragma.html, /lang_transaction.html (a read transaction that becomes a writer
can fail with SQLITE_BUSY whatever the timeout, so writers begin IMMEDIATE); SQLAlchemy 2 "pysqlite:
serializable isolation, savepoints and transactional DDL" for the two listeners.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from fleet.db.outside import HELD
from fleet.db.seals import OPTION, REPLACED, Ring

BUSY_TIMEOUT_MS = 15_000
"""How long one writer waits for another: the longest engine cycle with a wide margin."""
POOL_SIZE = 8
POOL_OVERFLOW = 24
"""Requests that may hold a connection at once, above the pool; FastAPI runs 40 threads at most."""
_BEGIN = "passerelle_begin"
SERVER_GONE = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A PostgreSQL that does not answer is given up: 5 s for a connection, 25 s for one that was open."""


SLOW_COMMIT_US = 1_000_000
"""A disk whose commits take longer is named: the engine looks at the network once a second."""
COMMITS_KEPT = 5
"""Newest commits that are looked at; one slow commit is none."""


class DatabaseUrlError(ValueError):
    """An address that names no database we can use."""


class CommitUnsure(RuntimeError):
    """The commit failed: nobody knows whether the transaction is in the database."""


def is_database_trouble(error: Exception) -> bool:
    """Return whether the database, its disk or its connection is at fault, and not what was written."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    troubles = (OperationalError, InterfaceError, InternalError, PoolTimeoutError, CommitUnsure)
    return isinstance(error, (*troubles, OSError, MemoryError)) or is_damaged(error)


def is_damaged(error: Exception) -> bool:
    """Return whether SQLite cannot read its own file ("malformed"); that error has no class of its own."""
    return type(error) is DatabaseError


def first_line(error: Exception) -> str:
    """Return what an error of the database says, without its statement."""
    text = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def slow_commit_us(commits_us: Sequence[int]) -> int:
    """Return what the quickest of the newest commits took if all of them were slow, else 0.

    >>> slow_commit_us([2_000_000] * COMMITS_KEPT), slow_commit_us([2_000_000, 3_000, 2_000_000] * 2)
    (2000000, 0)
    """
    quickest_us = min(commits_us, default=0)
    return quickest_us if len(commits_us) >= COMMITS_KEPT and quickest_us > SLOW_COMMIT_US else 0


class Database:
    """One database; ``read`` and ``write`` are its only doors."""

    def __init__(self, url: str, seals: Ring | None = None) -> None:
        """``seals``: the keys of sealed rows (``fleet.db.seals``); none: nothing is sealed or checked."""
        self.url, self.seals = url, seals
        self._engine = _engine(url)
        if seals is not None:
            self._engine.update_execution_options(**{OPTION: seals})
        self._writing = writing(self._engine)
        self.commits_us: deque[int] = deque(maxlen=COMMITS_KEPT)
        """What the newest commits took."""
        self.fence: Callable[[Connection], None] | None = None
        """What every write transaction begins with: it raises when another process leads (``leadership``)."""

    @property
    def engine(self) -> Engine:
        """For schema creation and migrations."""
        return self._engine

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._engine.dialect.name

    @property
    def slow_commit_us(self) -> int:
        """What a commit takes at least at present, if the disk is slow; else 0."""
        return slow_commit_us(tuple(self.commits_us))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a transaction that sees one state of the database."""
        with self._engine.begin() as connection:
            yield self._seen(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a transaction that commits at the end or leaves nothing behind.

        Raises:
            CommitUnsure: the commit itself failed.
        """
        with self._writing.connect() as connection:
            connection.begin()
            replaced: list[str] = connection.info.setdefault(REPLACED, [])
            replaced.clear()
            if self.fence is not None:
                self.fence(connection)
            held = HELD.set(HELD.get() + 1)
            try:
                yield self._seen(connection)
            finally:
                HELD.reset(held)
            began_ns = time.monotonic_ns()
            try:
                connection.commit()
            except Exception as error:
                connection.invalidate()  # it may still be inside the transaction
                raise CommitUnsure(f"{type(error).__name__}: {error}") from error
            self.commits_us.append((time.monotonic_ns() - began_ns) // 1_000)
            if self.seals is not None and replaced:
                self.seals.spend(replaced)

    def _seen(self, connection: Connection) -> Connection:
        """Return the connection as who uses it may see it."""
        return connection

    def close(self) -> None:
        """Give every pooled connection back."""
        self._engine.dispose()


def writing(engine: Engine) -> Engine:
    """Return the same engine, whose transactions begin as writers."""
    return engine.execution_options(**{_BEGIN: "IMMEDIATE"})


def sqlite_url(path: Path) -> str:
    """Return the address of the SQLite database in ``path``."""
    return f"sqlite:///{path}"


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except Exception as error:
        raise DatabaseUrlError(
            f"database: {url!r} is not an address such as postgresql+psycopg://host/name"
        ) from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise DatabaseUrlError(f"database: {parsed.drivername!r} is neither sqlite nor postgresql")
    server = parsed.get_backend_name() == "postgresql"
    engine = create_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_pre_ping=server,
        connect_args={name: value for name, value in SERVER_GONE.items() if name not in parsed.query}
        if server
        else {},
    )
    if not server:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(_BEGIN, 'DEFERRED')}")
