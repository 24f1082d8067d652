"""Prometheus' text on a local port: one page, one connection at a time is enough, nothing to configure."""

import asyncio
import contextlib
from collections.abc import Callable

REQUEST_LIMIT_BYTES = 8_192
REQUEST_TIMEOUT_S = 5.0
CONNECTIONS_LIMIT = 4


class MetricsPage:
    """Serves ``GET /metrics`` on 127.0.0.1."""

    def __init__(self, text: Callable[[], str]) -> None:
        self._text = text
        self._open = 0

    async def serve(self, port: int) -> asyncio.Server:
        """Listen; the caller closes the server.

        Raises:
            OSError: the port is taken.
        """
        return await asyncio.start_server(self._answer, "127.0.0.1", port, limit=REQUEST_LIMIT_BYTES)

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
        if not request.startswith(b"GET /metrics "):
            return _page("404 Not Found", "only GET /metrics\n")
        return _page("200 OK", self._text())


def _page(status: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
