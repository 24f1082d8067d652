"""One `fleet serve` at a time: a lock that ends with its holder, and a number that a former leader lacks.

    lock on DATA/serve.lock         two processes on one folder, whatever the database
    advisory lock of PostgreSQL     two hosts on one database; it ends with its connection
    number in ``counters``          each leader raises it; its every write transaction reads it first

A leader whose connection to PostgreSQL broke may be led by another without knowing it.  The number stops its
writes: the row is read with a share lock, so a new leader waits for what the former is committing.

Sources: flock(2); PostgreSQL 17 manual §13.3.5 (session-level advisory locks), §13.3.2 (FOR SHARE).
"""

import fcntl
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

from sqlalchemy import Connection, insert, select, text, update

from fleet.db.base import metadata
from fleet.db.connect import Database, is_database_trouble
from fleet.db.migrate import upgrade
from fleet.db.schema import load_tables

WAIT_S = 2.0
"""Between two tries to lead."""
LOCK_FILE = "serve.lock"
LOCK_KEY = 0x6C656164
"""PostgreSQL advisory lock ("lead"), beside that of migrations."""
NUMBER = "leaderships"
"""Name in ``counters``: how often a process began to lead since installation."""
HOLDER_LIMIT_CHARACTERS = 200


class StandBy(RuntimeError):
    """Another process leads; says which, as far as is known."""


class NoLongerLeader(RuntimeError):
    """Another process has begun to lead: nothing of ours may be written."""


class Leadership:
    """The right of one process to write; used by one thread at a time, but for the fence."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._path = folder / LOCK_FILE
        self._descriptor: int | None = None
        self._session: Connection | None = None
        self._number = 0

    def wait(self, stopping: Event, says: Callable[[Exception], None]) -> bool:
        """Take the locks, bring the schema up to date and begin; ``says`` gets what is waited for.

        There is no last try.  False: stopped before.

        Raises:
            SchemaTooNew, and whatever waiting mends not.
        """
        while not stopping.is_set():
            try:
                self.take()
                upgrade(self._database)
                self.begin()
            except Exception as error:
                self.release()
                if not isinstance(error, StandBy) and not is_database_trouble(error):
                    raise
                says(error)
                stopping.wait(WAIT_S)
            else:
                return True
        return False

    def take(self) -> None:
        """Take both locks, or none.

        Raises:
            StandBy: another process has one; OSError, DBAPIError: the disk or the database is away.
        """
        self._lock_folder()
        try:
            self._lock_server()
        except Exception:
            self.release()
            raise

    def begin(self) -> None:
        """Raise the number, once the schema is there, and let only its holder write."""
        load_tables()
        counters = metadata.tables["counters"]
        mine = counters.c.name == NUMBER
        with self._database.write() as connection:
            raised = update(counters).where(mine).values(value=counters.c.value + 1)
            if not connection.execute(raised).rowcount:
                connection.execute(insert(counters).values(name=NUMBER, value=1))
            self._number = int(connection.scalar(select(counters.c.value).where(mine)) or 0)
        query = select(counters.c.value).where(mine).with_for_update(read=True)

        def check(connection: Connection) -> None:
            if connection.scalar(query) != self._number:
                raise NoLongerLeader(f"leadership {self._number} has ended: another process leads")

        self._database.fence = check

    def keep(self) -> None:
        """See that the lock at the server still holds; take it again after the server was away.

        Raises:
            StandBy, NoLongerLeader: another process leads.
        """
        if self._database.dialect != "postgresql":
            return
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return
            self._lock_server()
            with self._database.write():
                pass
        except Exception as error:
            if not is_database_trouble(error):
                raise
            self._forget_session()

    def release(self) -> None:
        """Let another process lead."""
        self._forget_session()
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _lock_folder(self) -> None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, HOLDER_LIMIT_CHARACTERS, 0).decode("utf-8", "replace").strip()
            os.close(descriptor)
            raise StandBy(holder or str(self._path)) from None
        self._descriptor = descriptor
        with suppress(OSError):  # a full disk: the lock holds all the same, only its holder has no name
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{socket.gethostname()}, process {os.getpid()}\n".encode(), 0)

    def _lock_server(self) -> None:
        if self._database.dialect != "postgresql":
            return
        session = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            taken = session.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": LOCK_KEY})
        except Exception:
            session.invalidate()
            session.close()
            raise
        if not taken:
            session.close()
            raise StandBy(f"PostgreSQL, advisory lock {LOCK_KEY:#x}")
        self._session = session

    def _forget_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()
