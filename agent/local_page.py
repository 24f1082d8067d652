"""One read-only page over HTTP on a port of this gateway: the metrics, and the screen of ``agent status``.

It reads nothing but a GET of its own path and writes nothing; one connection at a time is enough.
"""

import asyncio
import contextlib
from collections.abc import Callable

REQUEST_LIMIT_BYTES = 8_192
REQUEST_TIMEOUT_S = 5.0
CONNECTIONS_LIMIT = 4
LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # asked for by the configuration only
_ALWAYS = (
    "Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n"
)


class LocalPage:
    """Serves ``GET path``; ``text`` is given what Accept-Language asks for."""

    def __init__(self, text: Callable[[str], str], *, path: str, content_type: str) -> None:
        self._text, self._path, self._content_type = text, path, content_type
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
            writer.write(await self._response(reader))
            await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or asked for no page
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _response(self, reader: asyncio.StreamReader) -> bytes:
        if self._open > CONNECTIONS_LIMIT:
            return _page("503 Service Unavailable", "too many connections\n")
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            request = await reader.readuntil(b"\r\n\r\n")
        if not request.startswith(f"GET {self._path} ".encode()):
            return _page("404 Not Found", f"only GET {self._path}\n")
        return _page("200 OK", self._text(_accepted(request)), self._content_type)


def _accepted(request: bytes) -> str:
    for line in request.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"accept-language":
            return value.decode("ascii", "replace").strip()
    return ""


def _page(status: str, text: str, content_type: str = "text/plain; charset=utf-8") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{_ALWAYS}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
