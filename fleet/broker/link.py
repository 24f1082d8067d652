"""Our connection to the broker: one MQTT thread, a persistent session, acknowledgements after commit.

A canary, published and read back over this connection every ``CANARY_INTERVAL_S``, is the positive proof that
the path through the broker works; its absence is the proof that we are blind (AVAILABILITY §4).

Sources: MQTT 3.1.1 §4.4 (a session that is resumed gets unacknowledged QoS 1 messages again); paho-mqtt 2
``manual_ack`` and ``ack``; peers' measurement of a broker that restarts (its wills are no proof of anything).
"""

import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from agent.wire.topics import PREFIX
from fleet.broker.address import Broker
from fleet.broker.inbox import Inbox
from fleet.broker.received import Received
from fleet.clock import Clock

SESSION = "passerelle-fleet"
"""Client identifier: one ingest holds the session; a second one would take it over."""
KEEPALIVE_S = 15
RECONNECT_MIN_S = 1
RECONNECT_MAX_S = 30
CANARY_TOPIC = f"{PREFIX}/fleet/canary"
CANARY_INTERVAL_S = 5
CANARY_MISSING_S = 15
"""Three canaries; well below the 90 s after which silence is confirmed."""
INFLIGHT_LIMIT = 1_000
OUTGOING_LIMIT = 20_000
"""Messages waiting to be sent: one configuration for each of 20,000 gateways."""

log = structlog.get_logger("fleet.broker")


class BrokerLink:
    """Connects for ever; ``connected`` and ``last_echo_monotonic_us`` tell what is known."""

    def __init__(self, broker: Broker, keys: Path, inbox: Inbox, clock: Clock) -> None:
        self._broker = broker
        self._inbox = inbox
        self._clock = clock
        self._lock = threading.Lock()
        self._published: dict[int, Callable[[], None]] = {}
        self._early: set[int] | None = None
        """Numbers acknowledged while ``publish`` does not know its own yet."""
        self.epoch = 0
        """How often a connection was made; what the broker retains comes anew with each."""
        self.connected = False
        self.last_echo_monotonic_us: int | None = None
        self.last_error = ""
        self._keys = keys
        self._context: ssl.SSLContext | None = None
        self._client = self._make()

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()

    def stop(self) -> None:
        """Leave in good order; the broker keeps the session."""
        self._client.disconnect()
        self._client.loop_stop()

    def use_renewed(self) -> None:
        """Let the next connection show the certificate that lies in the keys' folder now."""
        if self._context is not None:
            self._context.load_cert_chain(str(self._keys / "fleet.pem"), str(self._keys / "fleet.key"))

    def acknowledge(self, batch: list[Received]) -> None:
        """Tell the broker that these messages are stored."""
        for message in batch:
            if message.qos and message.epoch == self.epoch:
                self._client.ack(message.mid, message.qos)

    def publish(self, topic: str, payload: bytes, *, retain: bool, done: Callable[[], None]) -> bool:
        """Queue a QoS 1 message; ``done`` is called when the broker has it.  False: not now.

        Called by one thread.  Our lock is never held while paho is called: its own thread calls
        ``_on_publish`` under paho's lock, and that may come before we know the message's number.
        """
        if not self.connected:
            return False
        with self._lock:
            self._early = set()
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        with self._lock:
            early, self._early = self._early, None
            acknowledged = early is not None and info.mid in early
            if info.rc == paho.MQTT_ERR_SUCCESS and not acknowledged:
                self._published[info.mid] = done
        if acknowledged:
            done()
        return info.rc == paho.MQTT_ERR_SUCCESS

    def sing(self, now_us: int) -> None:
        """Publish the canary."""
        if self.connected:
            self._client.publish(CANARY_TOPIC, str(now_us), qos=0)

    def _make(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=SESSION, clean_session=False, manual_ack=True
        )
        client.max_inflight_messages_set(INFLIGHT_LIMIT)
        client.max_queued_messages_set(OUTGOING_LIMIT)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        if self._broker.tls:
            authorities = str(self._keys / "ca.pem")
            self._context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=authorities)
            self.use_renewed()
            client.tls_set_context(self._context)
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(
        self, client: paho.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        if code.is_failure:
            self.last_error = str(code)
            log.warning("broker_refused", reason=str(code))
            return
        self.epoch += 1
        self.connected = True
        self.last_error = ""
        with self._lock:
            self._published.clear()
        client.subscribe(f"{PREFIX}/#", qos=1)
        log.info("broker_connected", host=self._broker.host, port=self._broker.port, epoch=self.epoch)

    def _on_connect_fail(self, _client: paho.Client, _userdata: Any) -> None:
        self.last_error = f"no connection to {self._broker.host}:{self._broker.port}"

    def _on_disconnect(
        self, _client: paho.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any
    ) -> None:
        if self.connected:
            log.warning("broker_lost", reason=str(code))
        self.connected = False
        self.last_error = str(code)

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        if message.topic == CANARY_TOPIC:
            self.last_echo_monotonic_us = self._clock.monotonic_us()
            if message.qos:
                self._client.ack(message.mid, message.qos)
            return
        self._inbox.offer(
            Received(
                topic=message.topic,
                payload=bytes(message.payload),
                retained=message.retain,
                monotonic_us=self._clock.monotonic_us(),  # first: the engine may move our UTC meanwhile
                received_at_us=self._clock.now_us(),
                qos=message.qos,
                mid=message.mid,
                epoch=self.epoch,
            )
        )

    def _on_publish(
        self, _client: paho.Client, _userdata: Any, mid: int, _code: Any, _properties: Any
    ) -> None:
        with self._lock:
            done = self._published.pop(mid, None)
            if done is None and self._early is not None:
                self._early.add(mid)
        if done is not None:
            done()
