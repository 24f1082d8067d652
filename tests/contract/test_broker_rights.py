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

from agent.wire.renewal import sign_renewal
from demo.ports import free_port
from fleet.broker.address import Broker as Address
from fleet.broker.mosquitto import FLEET_NAME
from fleet.cli.main import main
from fleet.clock import SystemClock
from fleet.identity.enrolments import enrol, renew, revoke, store_token
from fleet.identity.foundation import found_keys, write_broker_files
from fleet.identity.revocation import BrokerDoor, RevocationUnconfirmed, enforce, load_rights, renew_rights
from fleet.settings import Founded, write_settings
from tests.unit.fleet.founded import EUIS, founded_database
from tests.unit.fleet.identity.certificates import csr_of, enrolment

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.slow,
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed: apt-get install mosquitto"),
]
WAIT_S = 60.0


class Client:
    """One MQTT client that waits for what it expects, never for time to pass."""

    def __init__(self, port, context, name):
        self.messages = []
        self.got_in = threading.Event()
        self.refused = threading.Event()
        self.answered = threading.Event()
        self.heard = threading.Condition()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name)
        self.client.tls_set_context(context)
        self.client.on_connect = lambda *_: (self.got_in.set(), self.answered.set())
        self.client.on_disconnect = lambda *_: (self.refused.set(), self.answered.set())
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

    def __init__(self, folder, *, founded_ago_us=0):
        self.port = free_port()
        self.folder = folder
        self.now_us = SystemClock().now_us()
        founded_us = self.now_us - founded_ago_us
        self.keys = found_keys(folder, broker_host="127.0.0.1", now_us=founded_us)
        self.files = write_broker_files(
            folder, self.keys.authority, host="127.0.0.1", port=self.port, now_us=founded_us
        )
        self.database = founded_database(folder)
        self.clients, self.certificates = [], {}
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

    def until(self, words, times=1):
        with self.said:
            found = self.said.wait_for(lambda: sum(words in line for line in self.lines) >= times, WAIT_S)
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
                self.keys.authority,
                token=eui,
                eui=eui,
                valid_until_us=self.now_us + 10**9,
                who="test",
                now_us=self.now_us,
            )
        outcome = enrol(self.database, self.keys.authority, enrolment(eui, eui, key), self.now_us)
        self.certificates[eui] = outcome.issued.pem, key
        return self.context(*self.stored(eui, outcome.issued.pem, key))

    def rotated(self, eui):
        """A certificate for a new key of the gateway, asked for with its present one."""
        certificate, key = self.certificates[eui]
        new = ec.generate_private_key(ec.SECP256R1())
        asked = sign_renewal(key, eui=eui, certificate_pem=certificate, csr_pem=csr_of(eui, new))
        outcome = renew(self.database, self.keys.authority, asked, self.now_us)
        return self.context(*self.stored(f"{eui}-new", outcome.issued.pem, new))

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
        assert client.answered.wait(WAIT_S)
        return client.refused.is_set() and not client.got_in.is_set()

    def revoke(self, eui):
        with self.database.write() as connection:
            revoke(connection, eui, reason="stolen", who="test", now_us=self.now_us)
        return self.enforce()

    def enforce(self, port=None):
        return enforce(self.database, self.door(port), SystemClock())

    def door(self, port=None):
        address = Address(host="127.0.0.1", port=port or self.port, tls=True)
        return BrokerDoor(broker=address, files=self.files, authority=self.keys.authority)

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


def test_no_cipher_with_cbc_is_spoken(broker):
    broker.gateway(EUIS[0])
    cbc = "ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA"
    for ciphers, spoken in ((cbc, False), ("ECDHE+AESGCM", True)):
        context = broker.context(broker.folder / f"{EUIS[0]}.pem", broker.folder / f"{EUIS[0]}.key")
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)
        assert broker.refuses(context, EUIS[0]) is not spoken


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


def test_rights_of_a_version_before_are_renewed_for_open_sessions_too(broker):
    acl, topic = broker.files.acl, f"vdl/1/{EUIS[0]}/journal/ack"
    gateway = broker.connect(broker.gateway(EUIS[0]), EUIS[0])
    old = [line for line in acl.read_text().splitlines() if "journal/ack" not in line]
    acl.write_text("\n".join(old) + "\n")
    broker.process.send_signal(signal.SIGHUP)
    broker.until("Reloading config")
    fleet = broker.fleet()
    gateway.subscribe(topic)
    fleet.say(topic, b"unread")
    assert renew_rights(broker.database, broker.door(), broker.now_us)
    broker.until("Reloading config", times=2)
    assert not renew_rights(broker.database, broker.door(), broker.now_us)
    fleet.say(topic, b"read")
    assert gateway.expect(topic, b"read")
    assert (topic, b"unread") not in gateway.messages


def test_no_gateway_takes_over_the_session_of_another_or_of_the_fleet(broker):
    fleet, neighbour = broker.fleet(), broker.connect(broker.gateway(EUIS[1]), EUIS[1])
    fleet.subscribe("vdl/1/#")
    rights = broker.gateway(EUIS[0])
    for name in (FLEET_NAME, EUIS[1]):
        broker.connect(rights, name).say(f"vdl/1/{EUIS[0]}/presence", name.encode())
        assert fleet.expect(f"vdl/1/{EUIS[0]}/presence", name.encode())
    assert not fleet.refused.is_set()
    assert not neighbour.refused.is_set()


def test_revocation_ends_the_open_session_and_keeps_it_out(broker):
    fleet = broker.fleet()
    fleet.subscribe("vdl/1/#")
    stolen = broker.gateway(EUIS[0])
    gateway, other = broker.connect(stolen, EUIS[0]), broker.connect(broker.gateway(EUIS[1]), EUIS[1])
    assert broker.revoke(EUIS[0]) == (EUIS[0],)
    assert gateway.refused.wait(WAIT_S)
    assert broker.refuses(stolen, EUIS[0])
    other.say(f"vdl/1/{EUIS[1]}/presence", b"honest")
    assert fleet.expect(f"vdl/1/{EUIS[1]}/presence", b"honest")
    assert not other.refused.is_set()
    assert load_rights(broker.database, broker.now_us).unconfirmed == ()
    assert broker.enforce() == ()


def test_revocations_of_the_same_second_are_each_proved(broker):
    contexts = [broker.gateway(eui) for eui in EUIS]
    for eui, context in zip(EUIS, contexts, strict=True):
        assert broker.revoke(eui) == (eui,)
        assert broker.refuses(context, eui)


def test_a_rotated_key_evicts_who_copied_the_old_one(broker):
    copied = broker.gateway(EUIS[0])
    thief = broker.connect(copied, EUIS[0])
    fresh = broker.rotated(EUIS[0])
    assert broker.enforce() == (EUIS[0],)
    assert thief.refused.wait(WAIT_S)
    assert broker.refuses(copied, EUIS[0])
    fleet = broker.fleet()
    fleet.subscribe("vdl/1/#")
    broker.connect(fresh, EUIS[0]).say(f"vdl/1/{EUIS[0]}/presence", b"own")
    assert fleet.expect(f"vdl/1/{EUIS[0]}/presence", b"own")


def test_a_broker_that_was_not_reloaded_is_an_error_and_is_asked_again(broker):
    stolen = broker.gateway(EUIS[0])
    pid = broker.files.pid.read_text()
    broker.files.pid.unlink()
    with pytest.raises(RevocationUnconfirmed, match="still lets revoked certificates in"):
        broker.revoke(EUIS[0])
    assert load_rights(broker.database, broker.now_us).waiting == (EUIS[0],)
    broker.files.pid.write_text(pid)
    assert broker.enforce() == (EUIS[0],)
    assert broker.refuses(stolen, EUIS[0])


def test_a_broker_that_is_away_proves_nothing(broker):
    broker.gateway(EUIS[0])
    with broker.database.write() as connection:
        revoke(connection, EUIS[0], reason="stolen", who="test", now_us=broker.now_us)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with pytest.raises(RevocationUnconfirmed, match="did not prove"):
            broker.enforce(nobody.getsockname()[1])


def test_the_command_says_and_exits_with_what_the_broker_proved(broker, capsys):
    def revoked(eui):
        return main(["revoke", "--data", str(broker.folder), "--eui", eui, "--reason", "stolen"])

    write_settings(
        broker.folder, Founded(public_url="http://x", broker_host="127.0.0.1", broker_port=broker.port)
    )
    broker.gateway(EUIS[0])
    assert revoked(EUIS[0]) == 0
    assert "no session is open" in capsys.readouterr().out
    broker.gateway(EUIS[1])
    broker.files.pid.unlink()
    assert revoked(EUIS[1]) == 1
    assert "not proved at the broker" in capsys.readouterr().err
