"""The broker that `fleet init` configures: who gets in, who may say and hear what, how revocation bites."""

import shutil
import signal
import socket
import ssl
import subprocess
import threading

import paho.mqtt.client as paho
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.enums import CallbackAPIVersion

from fleet.broker.mosquitto import FLEET_NAME
from fleet.clock import SystemClock
from fleet.identity.enrolments import enrol, revoke, store_token
from fleet.identity.foundation import found_keys, write_broker_files
from fleet.identity.revocation import write_revocations
from tests.unit.fleet.founded import EUIS, founded_database
from tests.unit.fleet.identity.certificates import enrolment

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]
WAIT_S = 10.0


class Client:
    """One MQTT client that waits for what it expects, never for time to pass."""

    def __init__(self, port, context, name):
        self.messages = []
        self.got_in = threading.Event()
        self.refused = threading.Event()
        self.heard = threading.Condition()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self.client.tls_set_context(context)
        self.client.on_connect = lambda *_: self.got_in.set()
        self.client.on_disconnect = lambda *_: self.refused.set()
        self.client.on_message = self._on_message
        self.client.connect("127.0.0.1", port, 30)
        self.client.loop_start()

    def _on_message(self, _client, _userdata, message):
        with self.heard:
            self.messages.append((message.topic, bytes(message.payload)))
            self.heard.notify_all()

    def expect(self, topic, payload):
        with self.heard:
            return self.heard.wait_for(lambda: (topic, payload) in self.messages, WAIT_S)

    def subscribe(self, topic):
        done = threading.Event()
        self.client.on_subscribe = lambda *_: done.set()
        self.client.subscribe(topic, 1)
        assert done.wait(WAIT_S)

    def say(self, topic, payload, retain=False):
        self.client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_S)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Broker:
    """A founded fleet with its broker running."""

    def __init__(self, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder = folder
        self.now_us = SystemClock().now_us()
        self.keys = found_keys(folder, broker_host="127.0.0.1", now_us=self.now_us)
        self.files = write_broker_files(
            folder, self.keys.authority, host="127.0.0.1", port=self.port, now_us=self.now_us
        )
        self.database = founded_database(folder)
        self.clients = []
        command = [MOSQUITTO, "-v", "-c", str(self.files.configuration)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.lines = []
        self.said = threading.Condition()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.until("running")

    def read(self):
        for line in self.process.stderr:
            with self.said:
                self.lines.append(line)
                self.said.notify_all()

    def until(self, words):
        with self.said:
            found = self.said.wait_for(lambda: any(words in line for line in self.lines), WAIT_S)
        assert found, "".join(self.lines)

    def context(self, certificate=None, key=None):
        context = ssl.create_default_context(cafile=str(self.folder / "keys" / "ca.pem"))
        if certificate is not None:
            context.load_cert_chain(certificate, key)
        return context

    def fleet(self):
        keys = self.folder / "keys"
        return self.connect(self.context(keys / "fleet.pem", keys / "fleet.key"), FLEET_NAME)

    def gateway(self, eui):
        key = ec.generate_private_key(ec.SECP256R1())
        with self.database.write() as connection:
            store_token(
                connection,
                token=eui,
                eui=eui,
                valid_until_us=self.now_us + 10**9,
                who="test",
                now_us=self.now_us,
            )
            outcome = enrol(connection, self.keys.authority, enrolment(eui, eui, key), self.now_us)
        return self.context(*self.stored(eui, outcome.issued.pem, key))

    def stored(self, name, certificate, key):
        paths = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        paths[0].write_text(certificate)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        paths[1].write_bytes(private)
        return paths

    def connect(self, context, name):
        client = Client(self.port, context, name)
        self.clients.append(client)
        assert client.got_in.wait(WAIT_S)
        return client

    def refuses(self, context, name):
        try:
            client = Client(self.port, context, name)
        except OSError:
            return True
        self.clients.append(client)
        return client.refused.wait(WAIT_S) and not client.got_in.is_set()

    def revoke(self, eui):
        with self.database.write() as connection:
            revoke(connection, eui, reason="stolen", who="test", now_us=self.now_us)
            write_revocations(connection, self.folder, self.keys.authority, self.now_us)
        self.until("Reloading config")

    def stop(self):
        for client in self.clients:
            client.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(WAIT_S)
        self.reader.join(WAIT_S)
        self.process.stderr.close()


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.stop()


def test_nobody_gets_in_without_a_certificate_of_ours(broker):
    assert broker.refuses(broker.context(), "nobody")


def test_a_gateway_speaks_and_hears_below_its_own_name_only(broker):
    fleet = broker.fleet()
    fleet.subscribe("vdl/1/#")
    gateway = broker.connect(broker.gateway(EUIS[0]), EUIS[0])
    gateway.subscribe("vdl/1/#")
    gateway.subscribe(f"vdl/1/{EUIS[1]}/config/desired")
    gateway.subscribe(f"vdl/1/{EUIS[0]}/config/desired")
    gateway.say(f"vdl/1/{EUIS[1]}/presence", b"foreign")
    gateway.say(f"vdl/1/{EUIS[0]}/config/desired", b"own orders")
    gateway.say(f"vdl/1/{EUIS[0]}/presence", b"own")
    assert fleet.expect(f"vdl/1/{EUIS[0]}/presence", b"own")
    assert [topic for topic, _ in fleet.messages] == [f"vdl/1/{EUIS[0]}/presence"]
    fleet.say(f"vdl/1/{EUIS[1]}/config/desired", b"for another", retain=True)
    fleet.say(f"vdl/1/{EUIS[0]}/config/desired", b"for it", retain=True)
    assert gateway.expect(f"vdl/1/{EUIS[0]}/config/desired", b"for it")
    assert (f"vdl/1/{EUIS[1]}/config/desired", b"for another") not in gateway.messages


def test_no_gateway_takes_over_the_session_of_another_or_of_the_fleet(broker):
    fleet, neighbour = broker.fleet(), broker.connect(broker.gateway(EUIS[1]), EUIS[1])
    fleet.subscribe("vdl/1/#")
    rights = broker.gateway(EUIS[0])
    for name in (FLEET_NAME, EUIS[1]):
        broker.connect(rights, name).say(f"vdl/1/{EUIS[0]}/presence", name.encode())
        assert fleet.expect(f"vdl/1/{EUIS[0]}/presence", name.encode())
    assert not fleet.refused.is_set()
    assert not neighbour.refused.is_set()


def test_revocation_silences_the_open_session_and_keeps_it_out(broker):
    fleet = broker.fleet()
    fleet.subscribe("vdl/1/#")
    stolen = broker.gateway(EUIS[0])
    gateway, other = broker.connect(stolen, EUIS[0]), broker.connect(broker.gateway(EUIS[1]), EUIS[1])
    gateway.subscribe(f"vdl/1/{EUIS[0]}/config/desired")
    broker.revoke(EUIS[0])
    gateway.say(f"vdl/1/{EUIS[0]}/presence", b"stolen")
    other.say(f"vdl/1/{EUIS[1]}/presence", b"honest")
    assert fleet.expect(f"vdl/1/{EUIS[1]}/presence", b"honest")
    assert (f"vdl/1/{EUIS[0]}/presence", b"stolen") not in fleet.messages
    assert broker.refuses(stolen, EUIS[0])
