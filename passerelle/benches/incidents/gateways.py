"""Many gateways as the broker sees them: each its own MQTT client over TLS, with its own last will.

They beat every 30 s, each at its own instant, and connect again by themselves when the broker goes; paho's
network thread of each does that.  ``cut`` takes every connection away without a good-bye, as a failing switch
in front of the broker does: it then publishes all the last wills at once.

Sources: MQTT 3.1.1 §3.1.2.5 (last will); DESIGN §4 (a uniform wait of 0 to 20 s before coming back).
"""

import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from agent.wire.messages import HEARTBEAT_INTERVAL_S, Presence, decode, encode
from agent.wire.topics import HEALTH, PRESENCE, topic
from demo.light import BEAT, LightGateway

SEED = 20261122
LONGEST_WAIT_S = 20
KEEP_ALIVE_S = 30
QUIT_LIMIT_S = 5.0


def tls_of(keys: Path) -> ssl.SSLContext:
    """Return the fleet's own certificate; a bench may speak for every gateway."""
    context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
    context.load_cert_chain(str(keys / "fleet.pem"), str(keys / "fleet.key"))
    return context


@dataclass(slots=True)
class _Beating:
    """One gateway and its connection."""

    gateway: LightGateway
    client: mqtt.Client
    wait_s: float


class Gateways:
    """The gateways of a bench; the calls come in the order ``start``, ``cut``, ``stop``."""

    def __init__(self, gateways: Iterable[LightGateway], port: int, keys: Path) -> None:
        self._port = port
        self._chance = random.Random(SEED)  # noqa: S311 spread of reconnections
        self._tls = tls_of(keys)
        self._all = [self._made(gateway) for gateway in gateways]
        self._stop = threading.Event()
        self._beats = threading.Thread(target=self._beat, daemon=True)

    def _made(self, gateway: LightGateway) -> _Beating:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=gateway.eui)
        client.tls_set_context(self._tls)
        wait_s = self._chance.uniform(1, LONGEST_WAIT_S)
        client.reconnect_delay_set(min_delay=max(1, int(wait_s)), max_delay=LONGEST_WAIT_S)
        will = encode(Presence(online=False, boot=gateway.boot))
        client.will_set(topic(gateway.eui, PRESENCE), will, qos=1, retain=True)

        def present(*_: Any) -> None:
            word = encode(Presence(online=True, boot=gateway.boot, at_us=time.time_ns() // 1000))
            client.publish(topic(gateway.eui, PRESENCE), word, qos=1, retain=True)

        client.on_connect = present
        return _Beating(gateway, client, wait_s)

    def start(self) -> None:
        """Connect all and begin to beat."""
        for one in self._all:
            one.client.connect_async("127.0.0.1", self._port, keepalive=KEEP_ALIVE_S)
            one.client.loop_start()
        self._beats.start()

    def _beat(self) -> None:
        step_s = HEARTBEAT_INTERVAL_S / len(self._all)
        began = due = time.monotonic()
        while True:
            for one in self._all:
                due += step_s
                if self._stop.wait(max(0.0, due - time.monotonic())):
                    return
                self._tell(one, int((time.monotonic() - began) * 1000))

    def _tell(self, one: _Beating, uptime_ms: int) -> None:
        """Beat if there is a connection: health goes at QoS 0 and is not kept for later."""
        one.gateway.seq += 1
        if one.client.is_connected():
            values = {"boot": one.gateway.boot, "seq": one.gateway.seq, "uptime_ms": uptime_ms}
            beat = msgspec.structs.replace(BEAT, **values, at_us=time.time_ns() // 1000)
            one.client.publish(topic(one.gateway.eui, HEALTH), encode(beat))

    def connected(self) -> int:
        """Return how many have a connection."""
        return sum(one.client.is_connected() for one in self._all)

    def cut(self) -> None:
        """Take every connection away without a good-bye."""
        for one in self._all:
            wire = one.client.socket()
            if wire is not None:
                with socket.socket(fileno=os.dup(wire.fileno())) as same:
                    same.shutdown(socket.SHUT_RDWR)

    def stop(self) -> None:
        """End the connections in order."""
        self._stop.set()
        self._beats.join(QUIT_LIMIT_S)
        for one in self._all:
            one.client.disconnect()
            one.client.loop_stop()


class Listener:
    """Counts the last wills that the broker publishes, while it is connected."""

    def __init__(self, port: int, keys: Path) -> None:
        self.wills = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="listener")
        self._client.tls_set_context(tls_of(keys))
        self._client.on_connect = self._subscribe
        self._client.on_message = self._heard
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    def _subscribe(self, client: mqtt.Client, *_: Any) -> None:
        client.subscribe(topic("+", PRESENCE), qos=1)

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        word = decode(PRESENCE, bytes(message.payload))
        if isinstance(word, Presence) and not word.online:
            self.wills += 1

    def stop(self) -> None:
        """Leave."""
        self._client.disconnect()
        self._client.loop_stop()


def wait_until(what: str, look: Callable[[], bool], limit_s: float) -> None:
    """Wait until something holds.

    Raises:
        TimeoutError: it did not within the limit.
    """
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        if look():
            return
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {limit_s:.0f} s")
