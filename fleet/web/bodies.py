"""Bodies of requests, limited and timed before anything else looks at a request: routes, forms, who asks.

    body ─▶ as large as its path may be? ─▶ room among the bodies under way? ─▶ here in time? ─▶ application
              413                             503                               408

Whoever asks, known or not, costs the memory of one bounded body.  ``/api/v1/speed`` keeps nothing and bounds
itself.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.wire.acceptance import UPLOAD_LIMIT_BYTES
from fleet.intake.report_mail import MAIL_LIMIT_BYTES
from fleet.lang.format import octets
from fleet.lang.i18n import DEFAULT_LANGUAGE, known, t
from fleet.tickets.photos import PHOTO_LIMIT_BYTES
from fleet.web.api.problems import API_PREFIX, problem_response
from fleet.web.api.registry import BODY_LIMIT_BYTES as SHEET_LIMIT_BYTES
from fleet.web.pages.registry import FILE_LIMIT_BYTES, KEPT_LIMIT_CHARACTERS
from fleet.web.visit import LANGUAGE_COOKIE

SMALL_LIMIT_BYTES = 128 * 1024
"""Bytes of a form or a JSON document: 2,000 EUIs fit."""
FRAME_BYTES = 64 * 1024
"""Bytes of what a browser writes around a file."""
SMALL_WAIT_S = 20.0
LARGE_WAIT_S = 120.0
"""For a body to arrive whole; a photo of 6 MB takes 50 s from a phone at 1 Mbit/s."""
SMALL_TOTAL_BYTES = 16 * 1024 * 1024
LARGE_TOTAL_BYTES = 48 * 1024 * 1024
"""Bytes of all bodies under way at once; large ones never take the room of small ones."""
RETRY_AFTER_S = 10
UNBOUNDED_HERE = "/api/v1/speed"
_LARGE: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"/registre/essai"), FILE_LIMIT_BYTES + FRAME_BYTES),
    (re.compile(r"/registre"), 2 * KEPT_LIMIT_CHARACTERS),
    (re.compile(r"/api/v1/registry"), SHEET_LIMIT_BYTES),
    (re.compile(r"/tickets/\d+/photo"), PHOTO_LIMIT_BYTES + FRAME_BYTES),
    (re.compile(r"/api/v1/tickets/\d+/photos"), PHOTO_LIMIT_BYTES + FRAME_BYTES),
    (re.compile(r"/api/v1/acceptances"), UPLOAD_LIMIT_BYTES),
    (re.compile(r"/api/v1/mail/[^/]*"), MAIL_LIMIT_BYTES),
)

LARGEST_BYTES = max(limit for _, limit in _LARGE)
"""What a proxy before us has to let through: the largest of all paths."""


class _Refused(Exception):
    """A body that is not taken."""

    def __init__(self, status: int, key: str, detail: str, **values: Any) -> None:
        super().__init__(detail)
        self.status, self.key, self.values = status, key, values


@dataclass(slots=True)
class Room:
    """Bytes of bodies under way, and how many there may be."""

    limit_bytes: int
    taken_bytes: int = 0

    def take(self, count: int) -> bool:
        """Take room for ``count`` bytes if there is some."""
        if self.taken_bytes + count > self.limit_bytes:
            return False
        self.taken_bytes += count
        return True


@dataclass(slots=True)
class _Body:
    """One body as it arrives."""

    limit_bytes: int
    room: Room
    parts: list[bytes] = field(default_factory=list)
    count: int = 0

    def add(self, part: bytes) -> None:
        self.check(self.count + len(part))
        if not self.room.take(len(part)):
            raise _Refused(503, "body.busy", "too many bodies are under way; try again in a few seconds")
        self.count += len(part)
        self.parts.append(part)

    def check(self, count: int) -> None:
        if count > self.limit_bytes:
            detail = f"body: at most {self.limit_bytes} bytes"
            raise _Refused(413, "body.large", detail, limit_bytes=self.limit_bytes)

    def give_back(self) -> None:
        self.room.taken_bytes -= self.count
        self.count = 0
        self.parts.clear()


def limit_of(path: str) -> int:
    """Return how many bytes a body sent to ``path`` may have.

    >>> limit_of("/connexion"), limit_of("/tickets/7/photo") > 8_000_000
    (131072, True)
    """
    return next((limit for pattern, limit in _LARGE if pattern.fullmatch(path)), SMALL_LIMIT_BYTES)


class BoundedBodies:
    """The middleware, outermost: the application gets a whole body, or nothing."""

    def __init__(
        self, app: ASGIApp, *, small_wait_s: float = SMALL_WAIT_S, large_wait_s: float = LARGE_WAIT_S
    ) -> None:
        self.app = app
        self._waits = small_wait_s, large_wait_s
        self.small, self.large = Room(SMALL_TOTAL_BYTES), Room(LARGE_TOTAL_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a request, then let the application answer it."""
        if scope["type"] != "http" or scope["path"] == UNBOUNDED_HERE or not _has_body(scope):
            await self.app(scope, receive, send)
            return
        limit = limit_of(scope["path"])
        small = limit <= SMALL_LIMIT_BYTES
        body = _Body(limit, self.small if small else self.large)
        try:
            whole = await _read(scope, receive, body, self._waits[0 if small else 1])
        except _Refused as error:
            body.give_back()
            await _answer(scope, error)(scope, receive, send)
            return
        try:
            if whole:
                await self.app(scope, _replayed(body, receive), send)
        finally:
            body.give_back()


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


async def _read(scope: Scope, receive: Receive, body: _Body, wait_s: float) -> bool:
    """Read the whole body; False: the connection ended before.

    Raises:
        _Refused: it is too large, too slow, or there is no room.
    """
    announced = Headers(scope=scope).get("content-length", "")
    if announced.isdigit():
        body.check(int(announced[:20]))
    try:
        async with asyncio.timeout(wait_s):
            while True:
                message = await receive()
                if message["type"] != "http.request":
                    return False
                body.add(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError as error:
        raise _Refused(408, "body.slow", f"body: not all here within {wait_s:.0f} s") from error


def _replayed(body: _Body, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return what the application reads: the body at once, then what the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        whole = b"".join(body.parts)
        body.parts.clear()
        return {"type": "http.request", "body": whole, "more_body": False}

    return replay


def _answer(scope: Scope, error: _Refused) -> Response:
    """Return the refusal; the connection ends with it, so that nobody reads on what is not taken."""
    headers = {"Connection": "close"} | ({"Retry-After": str(RETRY_AFTER_S)} if error.status == 503 else {})
    if scope["path"].startswith(API_PREFIX):
        answer: Response = problem_response(error.status, TITLES[error.status], str(error), field="body")
    else:
        lang = _language(scope)
        values = {name: octets(lang, value) for name, value in error.values.items()}
        answer = PlainTextResponse(t(lang, error.key, **values), error.status)
    answer.headers.update(headers)
    return answer


TITLES = {408: "Too slow", 413: "Too large", 503: "Busy"}


def _language(scope: Scope) -> str:
    try:
        found = SimpleCookie(Headers(scope=scope).get("cookie", "")).get(LANGUAGE_COOKIE)
    except CookieError:
        return DEFAULT_LANGUAGE
    return known(found.value if found else DEFAULT_LANGUAGE)
