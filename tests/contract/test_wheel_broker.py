"""The wheel broker gives the demo what Mosquitto gives it: retained words, acknowledgements, last wills."""

import asyncio
import socket
import threading

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from demo.servers import broker_child, plan_broker

WAIT_S = 60.0
DIALS = 1_200
"""Tries at a port that is not open yet, 50 ms apart."""


def dial(port):
    """Return once somebody listens on the port."""
    for _ in range(DIALS):
        try:
            socket.create_connection(("127.0.0.1", port), WAIT_S).close()
        except ConnectionRefusedError:
            threading.Event().wait(0.05)
        else:
            return
    pytest.fail("the broker never listened")


class Client:
    """An MQTT client on loopback, without TLS as the wheel has none."""

    def __init__(self, port, name, will=None):
        self.heard = threading.Condition()
        self.messages = []
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        if will is not None:
            self.client.will_set(*will, qos=1, retain=True)
        connected = threading.Event()
        self.client.on_connect = lambda *_: connected.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port, 30)
        self.client.loop_start()
        assert connected.wait(WAIT_S)

    def _on_message(self, _client, _userdata, message):
        with self.heard:
            self.messages.append((message.topic, bytes(message.payload)))
            self.heard.notify_all()

    def subscribe(self, topic):
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, 1)
        assert done.wait(WAIT_S)

    def expect(self, topic, payload):
        with self.heard:
            return self.heard.wait_for(lambda: (topic, payload) in self.messages, WAIT_S)

    def say(self, topic, payload, *, retain=False):
        information = self.client.publish(topic, payload, 1, retain)
        information.wait_for_publish(WAIT_S)
        return information.is_published()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def port(tmp_path):
    plan = plan_broker(without_mosquitto=True)
    child = broker_child(plan, tmp_path / "unused.conf", tmp_path / "broker.log")
    assert not plan.tls
    with asyncio.Runner() as runner:
        runner.run(child.start())
        try:
            dial(plan.port)
            yield plan.port
        finally:
            runner.run(child.kill())


def test_a_retained_word_reaches_who_comes_later(port):
    gateway = Client(port, "gateway")
    assert gateway.say("vdl/1/a/presence", b"here", retain=True)
    fleet = Client(port, "fleet")
    fleet.subscribe("vdl/1/+/presence")
    assert fleet.expect("vdl/1/a/presence", b"here")
    gateway.close()
    fleet.close()


def test_a_lost_socket_speaks_its_last_will(port):
    fleet = Client(port, "fleet")
    fleet.subscribe("vdl/1/+/presence")
    gateway = Client(port, "gateway", will=("vdl/1/a/presence", b"lost"))
    gateway.client.socket().shutdown(socket.SHUT_RDWR)
    assert fleet.expect("vdl/1/a/presence", b"lost")
    gateway.close()
    fleet.close()
