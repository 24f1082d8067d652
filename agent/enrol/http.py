"""One HTTP exchange with the fleet, bounded in time and size: JSON and answer, or zeros and their speed.

``http.client`` is loaded by the first exchange: it brings 1.5 MB, and most starts have none.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

import msgspec

from agent.connectors.tls import servers_of_others
from agent.wire import reasons

if TYPE_CHECKING:
    from http.client import HTTPConnection

ANSWER_LIMIT_BYTES = 64 * 1024
ANSWER_WAIT_S = 20.0
_ZEROS = {"Content-Type": "application/octet-stream"}
Now: TypeAlias = Callable[[], int]
"""Monotonic microseconds."""


class BadUrl(reasons.ReasonedError, ValueError):
    """An address that is neither http:// nor https://."""


class NoHttp(reasons.ReasonedError, OSError):
    """The server speaks something else, or ended its answer early."""


@contextmanager
def opened(base: str, ca_pem: str) -> Iterator[tuple["HTTPConnection", str]]:
    """Give a connection to the fleet, not yet made, and the path that its addresses begin with.

    Raises:
        OSError: the line, or ``NoHttp``; BadUrl: the setting.
    """
    from http.client import HTTPException

    connection, prefix = _connection(base, ca_pem)
    try:
        yield connection, prefix
    except HTTPException as error:
        raise NoHttp(reasons.system.no_http(detail=repr(error))) from error
    finally:
        connection.close()


def _connection(base: str, ca_pem: str) -> tuple["HTTPConnection", str]:
    from http.client import HTTPConnection, HTTPSConnection

    url = urlsplit(base)
    if url.hostname is None or url.scheme not in ("http", "https"):
        raise BadUrl(reasons.enrolment.bad_url(url=base))
    path = url.path.rstrip("/")
    if url.scheme == "http":
        return HTTPConnection(url.hostname, url.port, timeout=ANSWER_WAIT_S), path
    context = servers_of_others()
    context.load_verify_locations(cadata=ca_pem)
    return HTTPSConnection(url.hostname, url.port, timeout=ANSWER_WAIT_S, context=context), path


def post(base: str, path: str, body: bytes, *, ca_pem: str) -> tuple[int, bytes]:
    """Return (status, answer) of a POST of JSON.

    Raises:
        OSError: the line, or ``NoHttp``; BadUrl: the setting.
    """
    with opened(base, ca_pem) as (connection, prefix):
        connection.request("POST", prefix + path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Bytes of a body and how long they took, the connection's making apart."""

    status: int
    count: int
    elapsed_us: int

    @property
    def kbit_per_s(self) -> int:
        return self.count * 8_000 // max(1, self.elapsed_us)


def download(base: str, path: str, *, ca_pem: str, limit_bytes: int, now_us: Now) -> Transfer:
    """Return what a GET brought, at most ``limit_bytes`` of it.

    Raises:
        OSError: the line, or ``NoHttp``; BadUrl: the setting.
    """
    with opened(base, ca_pem) as (connection, prefix):
        return _timed(connection, lambda: connection.request("GET", prefix + path), limit_bytes, now_us)


def upload(base: str, path: str, *, ca_pem: str, count: int, now_us: Now) -> Transfer:
    """Return how a POST of ``count`` zeros went; ended by the server's answer, so that all have arrived.

    Raises:
        OSError: the line, or ``NoHttp``; BadUrl: the setting.
    """
    body = bytes(count)
    with opened(base, ca_pem) as (connection, prefix):
        answered = _timed(
            connection,
            lambda: connection.request("POST", prefix + path, body=body, headers=_ZEROS),
            ANSWER_LIMIT_BYTES,
            now_us,
        )
    return replace(answered, count=count)


def _timed(connection: "HTTPConnection", ask: Callable[[], None], limit_bytes: int, now_us: Now) -> Transfer:
    """Return the answer's status, its bytes, and the time from the request to its end."""
    connection.connect()
    began_us = now_us()
    ask()
    answer = connection.getresponse()
    count = len(answer.read(limit_bytes))
    return Transfer(status=answer.status, count=count, elapsed_us=now_us() - began_us)


def refusal_in(body: bytes) -> tuple[str, str]:
    """Return the word and the sentence in a refusal, as far as it has them.

    >>> refusal_in(b'{"detail": {"reason": "used", "detail": "used already"}}')
    ('used', 'used already')
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    inner = content.get("detail", content) if isinstance(content, dict) else content
    holder = inner if isinstance(inner, dict) else content if isinstance(content, dict) else {}
    sentence = inner if isinstance(inner, str) else holder.get("detail", "")
    return str(holder.get("reason", "")), str(sentence) or msgspec.json.encode(inner).decode()
