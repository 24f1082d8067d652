"""One WebSocket session with an LNS: discovery, connection, and a writer that proves what it sent."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from agent.connectors.basics_station.cups import Credentials
from agent.connectors.basics_station.cups_line import token_of
from agent.connectors.basics_station.server import MESSAGE_LIMIT_BYTES, RouterError, discovered, discovery
from agent.connectors.basics_station.tls import credentials_context
from agent.connectors.basics_station.websocket import (
    ClientConnection,
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    connect,
)
from agent.connectors.dial import dial
from agent.connectors.tls import tls_context
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig
from agent.wire.reasons import ReasonedError

OPEN_TIMEOUT_S = 8.0
ANSWER_TIMEOUT_S = 8.0
CLOSE_TIMEOUT_S = 2.0
URI_CHARACTERS = 80
"""A reason quotes so much of an address."""


class ServerRefused(ReasonedError):
    """The server is there and would not have us."""


class StationLine:
    """Opened once; ``send`` queues, the writer sends, pings, and tells what each pong proves."""

    def __init__(
        self,
        config: ConnectorConfig,
        credentials: Credentials | None,
        *,
        proved: Callable[[list[int]], None],
        asked: Callable[[], None],
    ) -> None:
        self._config = config
        self._credentials = credentials
        self._proved = proved
        self._asked = asked
        self._outbox: deque[tuple[str, int | None]] = deque()
        self._wake = asyncio.Event()
        self._probe = False
        self._secure = config.tls
        """The signed configuration, or the connection that named the next address, has TLS."""
        self.peer = ("", 0)
        """Host and port of the last connection."""

    async def discover(self, uri: str, eui: str) -> str:
        """Return the URI that the server at ``uri`` names for this gateway.

        Raises:
            OSError, TimeoutError: no way there.
            ServerRefused: an answer that cannot be used, a redirection, which nobody follows, or an address
                without TLS where the signed configuration or the connection that named it has TLS.
        """
        parts = urlsplit(uri)
        async with await self._connect(f"{parts.scheme}://{parts.netloc}/router-info") as socket:
            try:
                await socket.send(discovery(eui))
                async with asyncio.timeout(ANSWER_TIMEOUT_S):
                    return discovered(await socket.recv())
            except (RouterError, ConnectionClosed) as error:
                raise ServerRefused(reasons.lns.server_refused(detail=str(error))) from error

    async def open(self, uri: str) -> ClientConnection:
        """Return the open connection; errors as for ``discover``."""
        return await self._connect(uri)

    async def _connect(self, uri: str) -> ClientConnection:
        given, tls = self._credentials, uri.startswith("wss:")
        if self._secure and not tls:
            refused = reasons.lns.server_refused(detail=f"{uri[:URI_CHARACTERS]}: TLS must not be lowered")
            raise ServerRefused(refused)
        self._secure = tls
        if given is None:
            pem, token = self._config.certificate_pem + self._config.key_pem, token_of(self._config)
            context = tls_context(self._config, pem=pem) if tls else None
        else:
            context, token = credentials_context(given) if tls else None, given.token
        parts = urlsplit(uri)
        port = parts.port or (443 if tls else 80)
        self.peer = (parts.hostname or "", port)
        dialled = await dial(*self.peer)
        try:
            return await connect(
                uri,
                sock=dialled,
                ssl=context,
                additional_headers={"Authorization": token} if token else None,
                open_timeout=OPEN_TIMEOUT_S,
                close_timeout=CLOSE_TIMEOUT_S,
                ping_interval=None,
                max_size=MESSAGE_LIMIT_BYTES,
                proxy=None,
            )
        except (InvalidHandshake, InvalidStatus, ValueError) as error:
            raise ServerRefused(reasons.lns.server_refused(detail=str(error))) from error

    def send(self, text: str, record_id: int | None = None) -> None:
        """Queue a message; a record's id comes back with the pong that proves it."""
        self._outbox.append((text, record_id))
        self._wake.set()

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._probe = True
        self._wake.set()

    async def write(self, socket: ClientConnection) -> None:
        """Send what is queued until the connection ends.

        Raises:
            ConnectionClosed: it ended.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            sent: list[int] = []
            while self._outbox:
                text, record_id = self._outbox.popleft()
                await socket.send(text)
                if record_id is not None:
                    sent.append(record_id)
            if sent or self._probe:
                self._probe = False
                self._asked()
                waiter = asyncio.ensure_future(await socket.ping())
                waiter.add_done_callback(partial(self._ponged, sent))

    def _ponged(self, sent: list[int], waiter: "asyncio.Future[float]") -> None:
        if not waiter.cancelled() and waiter.exception() is None:
            self._proved(sent)
