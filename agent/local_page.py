"""Pages over HTTP on a port of this gateway: the metrics, the screen of ``agent status``, the acceptance.

A page is a GET of its own path.  What ``acts`` takes on (paths of its own, with bodies) it answers itself.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

REQUEST_LIMIT_BYTES = 8_192
REQUEST_TIMEOUT_S = 5.0
BODY_TIMEOUT_S = 60.0
"""A photo of 600 kB over the Wi-Fi of a gateway at the edge of its reach."""
LENGTH_DIGITS = 12
"""A Content-Length has no more digits: Python refuses to read a number of more than 4,300."""
CONNECTIONS_LIMIT = 4
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # asked for by the configuration only
PLAIN = "text/plain; charset=utf-8"
STRICT = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request; names of headers in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; ``status`` as HTTP writes it, such as ``200 OK``."""

    status: str = "200 OK"
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    policy: str = STRICT
    """Content-Security-Policy."""


Acts: TypeAlias = Callable[[Asked], Awaitable[Answer | None]]
"""None: not a path of its own."""


class LocalPage:
    """Serves ``GET path``; ``text`` is given what Accept-Language asks for."""

    def __init__(
        self,
        text: Callable[[str], str],
        *,
        path: str,
        content_type: str,
        acts: Acts | None = None,
        body_limit_bytes: int = 0,
    ) -> None:
        self._text, self._path, self._content_type = text, path, content_type
        self._acts, self._body_limit_bytes = acts, body_limit_bytes
        self._open = 0

    async def serve(self, port: int, host: str = LOOPBACK) -> asyncio.Server:
        """Listen; the caller closes the server.

        Raises:
            OSError: the port is taken.
        """
        return await asyncio.start_server(self._answer, host, port, limit=REQUEST_LIMIT_BYTES)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            writer.write(_bytes_of(await self._response(reader)))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or asked for no page
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _response(self, reader: asyncio.StreamReader) -> Answer:
        if self._open > CONNECTIONS_LIMIT:
            return plain("503 Service Unavailable", "too many connections\n")
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            asked = _head_of(await reader.readuntil(b"\r\n\r\n"))
        if self._acts is not None:
            answer = await self._acted(self._acts, asked, reader)
            if answer is not None:
                return answer
        if (asked.method, asked.path) != ("GET", self._path):
            return plain("404 Not Found", f"only GET {self._path}\n")
        text = self._text(asked.headers.get("accept-language", ""))
        return Answer(body=text.encode(), content_type=self._content_type)

    async def _acted(self, acts: Acts, asked: Asked, reader: asyncio.StreamReader) -> Answer | None:
        length = asked.headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > LENGTH_DIGITS or int(length) > self._body_limit_bytes:
            return plain("413 Content Too Large", f"at most {self._body_limit_bytes} bytes\n")
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await reader.readexactly(int(length))
        return await acts(Asked(method=asked.method, path=asked.path, headers=asked.headers, body=body))


def _head_of(request: bytes) -> Asked:
    first, *lines = request.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers.setdefault(name.strip().lower(), value.strip())
    return Asked(method=method, path=rest.rpartition(" ")[0], headers=headers)


def plain(status: str, text: str) -> Answer:
    """Return an answer of text alone."""
    return Answer(status=status, body=text.encode(), content_type=PLAIN)


def _bytes_of(answer: Answer) -> bytes:
    headers = {
        "Content-Type": answer.content_type,
        "Connection": "close",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": answer.policy,
        "Content-Length": str(len(answer.body)),
    }
    lines = [f"{name}: {value}\r\n" for name, value in (headers | dict(answer.headers)).items()]
    return f"HTTP/1.1 {answer.status}\r\n{''.join(lines)}\r\n".encode() + answer.body
