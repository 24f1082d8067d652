"""One MQTT 5 connection: paho in a thread of its own, its callbacks handed to the event loop.

A connection is used once: what paho would send again by itself after a reconnect is ours to decide.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from agent.connectors.dial import dial
from agent.connectors.tls import secret_line, tls_context
from agent.libraries import mqtt
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig
from agent.wire.reasons import Reason

KEEPALIVE_S = 20
KEEPALIVE_CODE = 0x8D
"""The one reason code of paho's that is no word of the server: a socket that ends was closed by it."""
CONNECT_TIMEOUT_S = 5.0
INFLIGHT_LIMIT = 1000
"""Unacknowledged publications; the delivery's own window is smaller."""


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker took us."""


@dataclass(frozen=True, slots=True)
class BrokerRefused:
    """The broker would not have us, or the connection failed or ended."""

    reason: Reason
    by_server: bool


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """PUBACK; ``code`` 0x10 says that nobody subscribes to the topic, ``detail`` is the name of the code."""

    mid: int
    code: int
    detail: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """SUBACK: a code from 0x80 on says that no command will come."""

    code: int
    detail: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message for us."""

    topic: str
    payload: bytes


MqttEvent: TypeAlias = Connected | BrokerRefused | Acknowledged | Subscribed | Arrived


class _NamedTls:
    """TLS towards an address that checks the name the configuration gives, as paho knows only the address."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._context, self._name = context, name
        self.check_hostname = context.check_hostname

    def wrap_socket(self, line: socket.socket, **options: Any) -> ssl.SSLSocket:
        """Return the socket with TLS around it."""
        return self._context.wrap_socket(line, **(options | {"server_hostname": self._name}))


class MqttLine:
    """Connect once, publish, close."""

    def __init__(
        self,
        config: ConnectorConfig,
        *,
        client_id: str,
        will: tuple[str, bytes],
        event: Callable[[MqttEvent], None],
    ) -> None:
        self._config = config
        self._loop = asyncio.get_running_loop()
        self._event = event
        self._answered = False
        """The broker answered CONNECT; one that wants a certificate ends the connection before (TLS 1.3)."""
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(INFLIGHT_LIMIT)
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._client.will_set(will[0], will[1], qos=1, retain=True)
        if config.token_file:
            name, _, password = secret_line(config.token_file).partition(":")
            self._client.username_pw_set(name, password or None)
        if config.tls:
            named: Any = _NamedTls(
                tls_context(config, pem=config.certificate_pem + config.key_pem), config.host
            )
            self._client.tls_set_context(named)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    async def open(self) -> None:
        """Connect to the address that answers and start the thread; the outcome comes as an event.

        paho's own attempts would wait in line behind a lost SYN, so it is asked only once the way is proved.

        Raises:
            OSError, TimeoutError: no way there, or no TLS.
        """
        way = await dial(self._config.host, self._config.port)
        address, port = way.getpeername()[:2]
        way.close()
        await asyncio.to_thread(self._client.connect, address, port, KEEPALIVE_S, clean_start=True)
        self._client.loop_start()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> int | None:
        """Send at QoS 1 and return the message id; None when the connection is gone."""
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def subscribe(self, topic: str) -> None:
        """Ask for messages of a topic."""
        self._client.subscribe(topic, qos=1)

    async def close(self) -> None:
        """Say goodbye and end the thread."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def _tell(self, event: MqttEvent) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._event, event)

    def _on_connect(self, _client: object, _data: object, _flags: object, code: Any, _p: object) -> None:
        self._answered = True
        self._tell(BrokerRefused(_refusal(code), by_server=True) if code.is_failure else Connected())

    def _on_disconnect(self, _client: object, _data: object, _flags: object, code: Any, _p: object) -> None:
        self._client.disconnect()
        reason = _refusal(code)
        if self._config.tls and not self._config.certificate_file and not self._answered:
            reason = reasons.lns.certificate_wanted(detail=code.getName())
        self._tell(BrokerRefused(reason, by_server=code.value != KEEPALIVE_CODE))

    def _on_publish(self, _client: object, _data: object, mid: int, code: Any, _p: object) -> None:
        self._tell(Acknowledged(mid, int(code.value), code.getName()))

    def _on_subscribe(self, _client: object, _data: object, _mid: int, codes: list[Any], _p: object) -> None:
        for code in codes:
            self._tell(Subscribed(int(code.value), code.getName()))

    def _on_message(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        self._tell(Arrived(message.topic, bytes(message.payload)))


def _refusal(code: Any) -> Reason:
    """Return what an MQTT 5 reason code says; paho names it."""
    return reasons.lns.broker_refused(mqtt_code=f"{code.value:#04x}", detail=code.getName())
