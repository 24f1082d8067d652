"""HTTP connections that end: without a request in time, without a reader, one too many of them.

uvicorn waits for ever for the head of a request and for a client that does not read; the proxy before us may
be absent or wrong, so these limits are our own.

Sources: uvicorn 0.54 ``protocols/http/h11_impl.py``; asyncio "Flow control callbacks"; RFC 9110 §15.5.9.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from fleet.errors import SettingsError

HEAD_WAIT_S = 10.0
"""For the whole head of a request, from the first byte of it or from the connection's begin."""
READER_WAIT_S = 60.0
"""For a client to read what stands in the buffer (64 KiB, asyncio's high-water mark)."""
WAITING_LIMIT = 128
"""Connections that have sent no whole head; the one that waits longest makes room for the next."""


class BoundedConnection(H11Protocol):
    """One connection."""

    head_wait_s = HEAD_WAIT_S
    reader_wait_s = READER_WAIT_S
    waiting_limit = WAITING_LIMIT

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.head_timer: asyncio.TimerHandle | None = None
        """Ends the connection; None while no head is awaited."""
        self._reader_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        waiting = [
            (each.head_timer.when(), each)
            for each in self.connections
            if isinstance(each, BoundedConnection) and each.head_timer
        ]
        if len(waiting) >= self.waiting_limit:
            min(waiting, key=itemgetter(0))[1].end()
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of a head that began."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before or (self.cycle is not None and not self.cycle.response_complete):
            self._forget_head()
        elif self.head_timer is None:
            self._expect_head()

    def handle_events(self) -> None:
        """Also stop waiting when a head that came early is taken up."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._forget_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget every timer."""
        self._forget_head()
        self._forget_reader()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to wait for the reader."""
        super().pause_writing()
        if self._reader_timer is None:
            self._reader_timer = self.loop.call_later(self.reader_wait_s, self.end)

    def resume_writing(self) -> None:
        """Stop waiting: it reads."""
        super().resume_writing()
        self._forget_reader()

    def end(self) -> None:
        """End the connection at once, whatever is still to be sent."""
        self._forget_head()
        self.transport.abort()

    def _expect_head(self) -> None:
        self.head_timer = self.loop.call_later(self.head_wait_s, self.end)

    def _forget_head(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None

    def _forget_reader(self) -> None:
        if self._reader_timer is not None:
            self._reader_timer.cancel()
            self._reader_timer = None


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket.

    Raises:
        SettingsError: somebody else has the port, or it is no address of ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


class OurServer(uvicorn.Server):
    """Leaves signals to us, so that the other parts stop in good order too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signal."""
        yield


def make_server(app: ASGIApp, stop_limit_s: int) -> OurServer:
    """Return the server of ``app``; what proxies forward is read by ``fleet.web.proxies`` alone."""
    return OurServer(
        uvicorn.Config(
            app,
            http=BoundedConnection,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=stop_limit_s,
        )
    )
