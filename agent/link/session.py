"""One MQTT 3.1.1 connection on the event loop: paho without a thread, opened once and closed once.

paho says which socket it reads and writes, the loop says when it may.  paho looks at its keep-alive only when
``loop_misc`` is called, so ``look_every_s`` decides how often a silent broker is asked for a sign of life.

Sources: paho-mqtt 2 documentation, "External event loop support"; MQTT 3.1.1 §3.1.2.10 (keep-alive).
"""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from paho.mqtt import MQTTException
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from agent.failures import CERTIFICATE_REVOKED, reason_of
from agent.libraries import mqtt
from agent.link.tcp import Line
from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError

MESSAGES_LIMIT = 64
"""Messages from the broker that wait for us; at the limit the socket is read no more until some are taken."""
CLOSE_WAIT_S = 2.0
"""For DISCONNECT to leave; then the socket is closed as it is."""
LOOK_EVERY_S = 1.0
_UNREADABLE = (OSError, ValueError, IndexError, struct.error, MQTTException)
"""What paho's parser raises at bytes that are no MQTT."""


class SessionLost(ReasonedError):
    """The connection ended or a step of it took too long."""


class SessionRefused(ReasonedError):
    """The broker answered CONNECT with a refusal; ``code`` is the reason code of MQTT 5."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(reasons.link.not_allowed(mqtt_code=f"{code:#04x}", detail=detail))
        self.code = code


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message from the broker."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Will:
    """What the broker publishes at QoS 1, retained, when we end without DISCONNECT."""

    topic: str
    payload: bytes


class Session:
    """Used by one event loop; every wait ends when the connection does."""

    def __init__(
        self, *, client_id: str, keepalive_s: int, will: Will, context: ssl.SSLContext | None
    ) -> None:
        self.look_every_s = LOOK_EVERY_S
        """How often paho looks at its keep-alive, and so asks a silent broker, at most."""
        self._keepalive_s = keepalive_s
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[None] = self._loop.create_future()
        self._pending: dict[int, asyncio.Future[None]] = {}
        self._messages: asyncio.Queue[Arrived | None] = asyncio.Queue()
        self._paused = False
        self._closed = False
        self._over = asyncio.Event()
        self._reason: Reason | None = None
        self._alert: Reason | None = None
        self._looking: asyncio.Task[None] | None = None
        self._client = self._make(client_id, will, context)

    @property
    def line(self) -> Line | None:
        """The socket, while there is one."""
        found = self._client.socket()
        return found if isinstance(found, socket.socket) else None

    @property
    def waiting(self) -> int:
        """Messages that arrived and nobody has taken, at most ``MESSAGES_LIMIT``."""
        return self._messages.qsize()

    async def open(self, host: str, port: int, *, wait_s: float) -> None:
        """Connect and return when the broker has accepted; each of the two steps has ``wait_s``.

        Raises:
            OSError: no way there, or no TLS; SessionRefused, SessionLost.
        """
        self._client.connect_timeout = wait_s
        connect = partial(self._client.connect, host, port, self._keepalive_s)
        await self._loop.run_in_executor(None, connect)
        self._looking = self._loop.create_task(self._look())
        await self._until(self._answer, wait_s)

    async def subscribe(self, topics: Sequence[str], *, wait_s: float) -> None:
        """Subscribe at QoS 1 and return when the broker has confirmed.

        Raises:
            SessionLost: no confirmation.
        """
        code, number = self._client.subscribe([(topic, 1) for topic in topics])
        await self._confirmed(code, number, wait_s)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int, wait_s: float, retain: bool = False
    ) -> None:
        """Publish and return after PUBACK (QoS 1) or when the kernel has the bytes (QoS 0).

        Raises:
            SessionLost: neither came.
        """
        info = self._client.publish(topic, payload, qos, retain)
        await self._confirmed(info.rc, info.mid, wait_s)

    async def messages(self) -> AsyncIterator[Arrived]:
        """Yield what arrives.

        Raises:
            SessionLost: the connection ended.
        """
        while (message := await self._messages.get()) is not None:
            if self._paused and self._messages.qsize() < MESSAGES_LIMIT:
                self._paused = False
                self._listen()
            yield message
        raise SessionLost(self._reason or reasons.link.closed())

    async def close(self) -> None:
        """Say DISCONNECT, then close whatever is left."""
        self._closed = True
        if self._looking is not None:
            self._looking.cancel()
        if self._client.is_connected() and not self._over.is_set():
            self._client.disconnect()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_WAIT_S):
                    await self._over.wait()
        line = self.line
        if line is not None:
            self._forget(line)
            line.close()

    def _make(self, client_id: str, will: Will, context: ssl.SSLContext | None) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id, clean_session=False, reconnect_on_failure=False
        )
        client.will_set(will.topic, will.payload, qos=1, retain=True)
        if context is not None:
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        client.on_message = self._on_message
        client.on_publish = self._on_confirmed
        client.on_subscribe = self._on_confirmed
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_socket_register_write
        client.on_socket_unregister_write = self._on_socket_unregister_write
        return client

    async def _confirmed(self, code: int, number: int | None, wait_s: float) -> None:
        if code != mqtt.MQTT_ERR_SUCCESS or number is None:
            detail = mqtt.error_string(MQTTErrorCode(code))
            raise SessionLost(self._reason or reasons.link.disconnected(detail=detail))
        pending = self._pending[number] = self._loop.create_future()
        try:
            await self._until(pending, wait_s)
        finally:
            self._pending.pop(number, None)

    async def _until(self, answer: asyncio.Future[None], wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await answer
        except TimeoutError:
            raise SessionLost(reasons.link.no_answer(limit_s=wait_s)) from None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.look_every_s)
            self._client.loop_misc()

    def _end(self, reason: Reason) -> None:
        if self._over.is_set():
            return
        self._over.set()
        self._reason = reason
        self._messages.put_nowait(None)
        for waiting in (self._answer, *self._pending.values()):
            if not waiting.done():
                waiting.set_exception(SessionLost(reason))
        if not self._answer.cancelled():
            self._answer.exception()

    def _listen(self) -> None:
        line = self.line
        if line is not None:
            self._loop.add_reader(line, self._readable)
            self._loop.call_soon(self._readable)

    def _readable(self) -> None:
        """Read until nothing is left in the kernel's or TLS's buffer, or too much waits for us."""
        try:
            while self._client.loop_read() == mqtt.MQTT_ERR_SUCCESS:
                line = self.line
                if line is not None and self._messages.qsize() >= MESSAGES_LIMIT:
                    self._paused = True
                    self._loop.remove_reader(line)
                    return
                if not isinstance(line, ssl.SSLSocket) or not line.pending():
                    return
        except _UNREADABLE as error:
            self._end(reasons.link.unreadable(detail=repr(error)))

    def _writable(self) -> None:
        try:
            self._client.loop_write()
        except OSError as error:
            self._end(reason_of(error))

    def _forget(self, line: Line) -> None:
        if line.fileno() >= 0:
            self._loop.remove_reader(line)
            self._loop.remove_writer(line)

    def _on_connect(self, _client: object, _data: object, _flags: object, code: Any, _p: object) -> None:
        if self._answer.done():
            return
        if code.is_failure:
            self._answer.set_exception(SessionRefused(int(code.value), str(code)))
        else:
            self._answer.set_result(None)

    def _on_disconnect(self, _client: object, _data: object, _flags: object, code: Any, _p: object) -> None:
        self._end(self._alert or reasons.link.disconnected(detail=str(code)))

    def _on_log(self, _client: object, _data: object, _level: object, text: str) -> None:
        """Keep TLS's alert: a broker judges our certificate after the handshake, and paho only logs it."""
        if CERTIFICATE_REVOKED in text:
            self._alert = reasons.system.certificate_revoked()

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self._messages.put_nowait(Arrived(message.topic, bytes(message.payload)))

    def _on_confirmed(self, _client: object, _data: object, number: int, *_rest: object) -> None:
        pending = self._pending.get(number)
        if pending is not None and not pending.done():
            pending.set_result(None)

    def _on_socket_open(self, _client: object, _data: object, line: Any) -> None:
        """Called in the thread that connects."""
        self._loop.call_soon_threadsafe(self._opened, line)

    def _opened(self, line: Line) -> None:
        if self._closed:
            line.close()
        else:
            self._listen()

    def _on_socket_close(self, _client: object, _data: object, line: Any) -> None:
        self._forget(line)

    def _on_socket_register_write(self, _client: object, _data: object, line: Any) -> None:
        """Called in the thread that connects for CONNECT, in the loop's for everything else."""
        self._loop.call_soon_threadsafe(self._write_soon, line)

    def _write_soon(self, line: Line) -> None:
        if line.fileno() >= 0:
            self._loop.add_writer(line, self._writable)

    def _on_socket_unregister_write(self, _client: object, _data: object, line: Any) -> None:
        if line.fileno() >= 0:
            self._loop.remove_writer(line)
