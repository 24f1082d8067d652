"""Seals of closed months are stamped by an authority outside the operator's reach, if the settings name one.

    sealed versions without a stamp (read) → due (pure) → the authority (HTTP) → verify → one row (write)

    the authority is away, or its answer proves nothing   noted, logged; again after ``wait_us``
    ``ATTEMPTS_LIMIT`` attempts                           given up: a fault to `passerelle fleet check`
    switched off                                          nothing is asked; stamps that exist stay

Closing a month waits for none of this.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import httpx
import structlog
from sqlalchemy import Connection, delete, insert, select

from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.durations import HOUR_US, MINUTE_US
from fleet.months.tables import month_timestamps, month_versions
from fleet.months.timestamp import ATTEMPTS_LIMIT, Authority, TimestampError, request_of, verify

WAIT_LIMIT_US: Final = 6 * HOUR_US
TIMEOUT_S: Final = 10.0
"""For connecting and for each part of the answer."""
ANSWER_LIMIT_BYTES: Final = 65_536
"""An answer with its chain of certificates has some 6 KiB."""
ERROR_CHARACTERS: Final = 500
HEADERS: Final = {"Content-Type": "application/timestamp-query"}
"""RFC 3161 §3.4."""

log = structlog.get_logger("fleet.months.stamping")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstamped:
    """A version without a stamp."""

    month: str
    number: int
    seal: str
    attempts: int
    tried_at_us: int


def wait_us(attempts: int) -> int:
    """Return how long after a number of failed attempts the next one is due: doubling from a minute.

    >>> wait_us(0), wait_us(1) == MINUTE_US, wait_us(ATTEMPTS_LIMIT) == WAIT_LIMIT_US
    (0, True, True)
    """
    return min(MINUTE_US << (attempts - 1), WAIT_LIMIT_US) if attempts else 0


def due(unstamped: Iterable[Unstamped], now_us: int) -> Unstamped | None:
    """Return the version to stamp now: the newest month of those tried least; None: nothing to do."""
    ready = [
        one
        for one in unstamped
        if one.attempts < ATTEMPTS_LIMIT and now_us >= one.tried_at_us + wait_us(one.attempts)
    ]
    ready.sort(key=lambda one: (one.month, one.number), reverse=True)
    return min(ready, key=lambda one: one.attempts, default=None)


def ask_over_http(url: str, request: bytes) -> bytes:
    """Return the authority's answer.

    Raises:
        TimestampError: none, or one that is not 200, or too long.
    """
    try:
        with httpx.stream("POST", url, content=request, headers=HEADERS, timeout=TIMEOUT_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TimestampError(f"HTTP {answer.status_code}")
            content = b""
            for part in answer.iter_bytes():
                content += part
                if len(content) > ANSWER_LIMIT_BYTES:
                    raise TimestampError(f"an answer of more than {ANSWER_LIMIT_BYTES} bytes")
            return content
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TimestampError(f"{type(error).__name__}: {error}") from error


class Stamper:
    """Gets one stamp a look."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        authority: Authority,
        ask: Callable[[str, bytes], bytes] = ask_over_http,
    ) -> None:
        self._database, self._clock = database, clock
        self._authority, self._ask = authority, ask

    def look(self) -> bool | None:
        """Stamp the version that is due; return whether that worked, None: none is due."""
        with self._database.read() as connection:
            version = due(unstamped(connection), self._clock.now_us())
        if version is None:
            return None
        request = request_of(version.seal)
        found: dict[str, object] = {"response": None, "stamped_at_us": None, "error": ""}
        try:
            answer = self._ask(self._authority.url, request.as_bytes())
            stamped_at_us = verify(answer, version.seal, self._authority, request)
            found |= {"response": answer, "stamped_at_us": stamped_at_us}
            log.info("month_stamped", month=version.month, version=version.number, at_us=stamped_at_us)
        except TimestampError as error:
            found["error"] = str(error)[:ERROR_CHARACTERS]
            log.warning("month_not_stamped", month=version.month, attempts=version.attempts + 1, **found)
        self._note(version, found)
        return found["response"] is not None

    def _note(self, version: Unstamped, found: dict[str, object]) -> None:
        row = month_timestamps.c
        values = {"month": version.month, "version": version.number, "attempts": version.attempts + 1}
        values |= {"tried_at_us": self._clock.now_us(), "authority": self._authority.url}
        with self._database.write() as connection:
            mine = (row.month == version.month) & (row.version == version.number)
            connection.execute(delete(month_timestamps).where(mine & row.response.is_(None)))
            connection.execute(insert(month_timestamps).values(values | found))


def unstamped(connection: Connection) -> list[Unstamped]:
    """Return the sealed versions without a stamp."""
    version, stamp = month_versions.c, month_timestamps.c
    same = (version.month == stamp.month) & (version.version == stamp.version)
    query = select(version.month, version.version, version.seal, stamp.attempts, stamp.tried_at_us)
    query = query.outerjoin(month_timestamps, same).where(version.seal != "", stamp.response.is_(None))
    return [
        Unstamped(month=month, number=number, seal=seal, attempts=attempts or 0, tried_at_us=at_us or 0)
        for month, number, seal, attempts, at_us in connection.execute(query)
    ]


def stamp_of(connection: Connection, month: str, number: int) -> dict[str, Any] | None:
    """Return what is known of the stamp of a version; None: none was asked for."""
    row = month_timestamps.c
    query = select(month_timestamps).where(row.month == month, row.version == number)
    found = connection.execute(query).mappings().first()
    return None if found is None else {str(name): value for name, value in found.items()}
