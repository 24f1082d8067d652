"""One gateway made of real processes: the agent, Mosquitto with mTLS, a UDP server, an enrolment server, a
virtual chip behind its socket.  Faults are made for real; what the fleet is told is heard on the broker."""

import base64
import contextlib
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.configuration.model import Ledger
from agent.status.status import ask_status
from agent.wire import messages
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, Intervals
from agent.wire.envelope import decode_envelope
from agent.wire.order import WorkOrder, encode_order
from demo.ports import free_port
from fleet.broker.mosquitto import render_acl
from hal.packets import Lora
from hal.twin.chip import VirtualChip
from hal.twin.lines.server import TwinServer
from hal.twin.rf_event import RfEvent
from provisioning.cli import main as provision
from tests.controlpath.enrolment_server import EnrolmentServer
from tests.controlpath.virtual import EUI, Authority, Broker, SigningFleet

TOKEN = "t" * 43
RIGHTS = "acl_file acl\ncrlfile revoked.pem\n"
"""In the broker's folder; the rig itself is ``localhost`` and may hear and say everything."""
TRIAL_S = 6
LONGEST_WAIT_S = 150.0


class UdpServer:
    """An LNS in a thread: acknowledges, remembers payloads, or is silent, rude or gone as told."""

    def __init__(self, bind: str = "127.0.0.1") -> None:
        self.port = free_port()
        self._bind = bind
        self.payloads: list[bytes] = []
        self.silent = False
        self.rude = b""
        self._socket: socket.socket | None = None
        self.open()

    def open(self) -> None:
        self._socket = self._bound_socket()
        threading.Thread(target=self._serve, args=(self._socket,), daemon=True).start()

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()

    def _bound_socket(self) -> socket.socket:
        """Return a socket on our port; a client of another test may hold it for a moment."""
        until = time.monotonic() + 60.0
        while True:
            line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                line.bind((self._bind, self.port))
            except OSError:
                line.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            else:
                return line

    def _serve(self, line: socket.socket) -> None:
        while True:
            try:
                datagram, peer = line.recvfrom(65535)
            except OSError:
                return
            if len(datagram) < 4:
                return
            if self.silent:
                continue
            if self.rude:
                line.sendto(self.rude, peer)
            if datagram[3] == 0:
                frames = json.loads(datagram[12:]).get("rxpk", [])
                self.payloads += [base64.b64decode(frame["data"]) for frame in frames]
                line.sendto(datagram[:3] + b"\x01", peer)
            elif datagram[3] == 2:
                line.sendto(datagram[:3] + b"\x04", peer)


class Rig:
    """Use as a context; ``heard`` is everything that the gateway said, with the time it came."""

    def __init__(
        self,
        folder: Path,
        *,
        broker_bind: str = "127.0.0.1",
        broker_host: str = "127.0.0.1",
        lns_host: str = "127.0.0.1",
        enrol_host: str = "127.0.0.1",
    ) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.fleet, self.authority = SigningFleet(), Authority()
        self.broker = Broker(folder, extra=self.authority.server(folder) + RIGHTS, bind=broker_bind)
        self._enrol_host, self._bind = enrol_host, broker_bind
        self.broker_host, self.lns_host = broker_host, lns_host
        self.lns = UdpServer(broker_bind)
        self.launcher: tuple[str, ...] = ()
        """Put before the agent's command: a namespace to enter, a tracer."""
        self.verb = "run"
        """``start``: by the launcher, as the unit does."""
        self.restart_s = 1.0
        """As RestartSec= of a unit."""
        self.environment: dict[str, str] = {}
        """Added to the agent's."""
        self.chip = VirtualChip(eui=EUI)
        self.twin = TwinServer(self.chip, folder / "chip")
        self.enrolment = EnrolmentServer(self.authority, TOKEN)
        self.admit()
        self.heard: list[tuple[float, str, msgspec.Struct]] = []
        self.sent: list[bytes] = []
        self.agent: subprocess.Popen[bytes] | None = None
        self.version, self.word = 1, 0
        self._wanted = False
        self._ended = threading.Event()
        self.restarts = 0
        self.found: tuple[str, Any] = "", None
        self._closing = contextlib.ExitStack()
        self._news = threading.Condition()

    def __enter__(self) -> "Rig":
        self._closing.enter_context(self.broker)
        self._closing.enter_context(self.enrolment.serving(bind=self._bind, host=self._enrol_host))
        self.twin.start()
        self._closing.callback(self.twin.close)
        self._closing.callback(self.lns.close)
        self._listen()
        threading.Thread(target=self._manage, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._wanted = False
        self._ended.set()
        if self.agent is not None and self.agent.poll() is None:
            with contextlib.suppress(OSError):
                self.agent.send_signal(signal.SIGCONT)
            self.agent.kill()
            self.agent.wait()
        self._closing.close()

    def admit(self, *, revoked: bool = False) -> None:
        """Write who may do what: the fleet's own rights, with or without this gateway."""
        rights = render_acl((EUI,) if revoked else ()).replace("user fleet", "user localhost")
        (self.folder / "acl").write_text(rights)
        serials = self.enrolment.serials if revoked else []
        (self.folder / "revoked.pem").write_bytes(self.authority.revocations(serials))

    # The gateway.

    def content(self, **changes: Any) -> Configuration:
        base: dict[str, Any] = {
            "connectors": (
                ConnectorConfig(name="lns", host=self.lns_host, port=self.lns.port, contractual=True),
            ),
            "fleet": FleetConfig(host=self.broker_host, port=self.broker.port),
            "intervals": Intervals(heartbeat_s=1, config_trial_s=TRIAL_S),
        }
        return Configuration(**(base | changes))

    def order(self, **changes: Any) -> WorkOrder:
        base = {
            "enrol_url": self.enrolment.url,
            "fleet_ca_pem": self.authority.pem,
            "bus": f"socket:{self.folder / 'chip'}",
        }
        return self.fleet.order(self.content(), **(base | changes))

    def flash(self, order: WorkOrder) -> Path:
        (self.folder / "order.json").write_bytes(encode_order(order))
        image = self.folder / "card.img"
        arguments = ["flash", "--order", str(self.folder / "order.json"), "--output", str(image)]
        assert provision(arguments) == 0
        return image

    def start(self) -> None:
        """Start the agent process on what is on its card."""
        image = self.folder / "card.img"
        if not image.exists():
            self.flash(self.order())
        self._wanted = True
        log = (self.folder / "agent.log").open("ab")
        command = [*self.launcher, sys.executable, "-m", "passerelle", "agent", self.verb]
        self.agent = subprocess.Popen(
            [*command, "--state", str(self.state), "--image", str(image)],
            stderr=log,
            stdout=log,
            env=os.environ | self.environment,
        )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit code; nothing starts it again."""
        assert self.agent is not None
        self._wanted = False
        self.agent.send_signal(number)
        return self.agent.wait(90)

    def _manage(self) -> None:
        """Do what the service manager does: start the agent again unless its code says that a person must."""
        while not self._ended.wait(self.restart_s):
            if self._wanted and self.agent is not None and self.agent.poll() not in {None, 2, 3}:
                self.restarts += 1
                self.start()

    @property
    def pid(self) -> int:
        assert self.agent is not None
        return self.agent.pid

    # The fleet.

    def _listen(self) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, "rig")
        client.tls_set(
            str(self.folder / "ca.pem"), str(self.folder / "server.pem"), str(self.folder / "server.key"),
            cert_reqs=ssl.CERT_REQUIRED,
        )  # fmt: skip
        client.on_connect = lambda one, *_: one.subscribe("vdl/1/#", 1)
        client.on_message = self._on_message
        client.reconnect_delay_set(1, 1)
        client.connect("127.0.0.1", self.broker.port, 30)
        client.loop_start()
        self.client = client
        self._closing.callback(client.loop_stop)
        self._closing.callback(client.disconnect)

    def _on_message(self, _: object, __: object, message: paho.MQTTMessage) -> None:
        leaf = message.topic.split("/", 3)[3]
        if leaf.startswith(("config/desired", "command/")):
            return
        said = messages.decode(leaf, bytes(message.payload))
        batch = list(said.records) if isinstance(said, messages.JournalBatch) else [said]
        with self._news:
            self.heard += [(time.monotonic(), leaf, one) for one in batch]
            self._news.notify_all()

    def wait(
        self, wanted: Callable[[str, Any], bool], *, since: float, limit_s: float = LONGEST_WAIT_S
    ) -> float:
        """Return the seconds from ``since`` to the first message that is wanted; ``found`` is it.

        Raises:
            TimeoutError: none came in time.
        """
        until, at = time.monotonic() + limit_s, 0
        with self._news:
            while True:
                for when, leaf, one in self.heard[at:]:
                    if when >= since and wanted(leaf, one):
                        self.found = leaf, one
                        return when - since
                at = len(self.heard)
                if not self._news.wait(until - time.monotonic()):
                    raise TimeoutError(f"not heard; log:\n{(self.folder / 'agent.log').read_text()[-2000:]}")

    def last_heard(self, wanted: Callable[[str, Any], bool], *, quiet_s: float) -> float:
        """Return when the last wanted message came, once none came for ``quiet_s``."""
        while True:
            with self._news:
                last = max(when for when, leaf, one in self.heard if wanted(leaf, one))
            quiet = time.monotonic() - last
            if quiet >= quiet_s:
                return last
            time.sleep(quiet_s - quiet)

    def ledger(self) -> Ledger:
        """Return what the gateway's card says of its configurations."""
        return msgspec.json.decode((self.state / "configuration" / "ledger.json").read_bytes(), type=Ledger)

    def wait_receiving(self, limit_s: float = 120.0) -> None:
        """Wait until the agent's own status says that the radio receives, whoever hears of it."""
        until = time.monotonic() + limit_s
        while (told := ask_status(self.state)) is None or told.radio != messages.Radio.RECEIVING.name:
            assert time.monotonic() < until, "the radio does not receive"
            time.sleep(0.2)

    def wait_told(self) -> None:
        """Wait until every journal record that a heartbeat speaks of has been heard."""

        def complete(leaf: str, heartbeat: Any) -> bool:
            if leaf != "health":
                return False
            records = [have for _, _, have in self.heard if isinstance(have, messages.JournalRecord)]
            heard = {have.journal_seq for have in records if have.boot == heartbeat.boot}
            return len(heard) >= int(heartbeat.journal_seq)

        self.wait(complete, since=time.monotonic())

    def wait_serving(self, since: float) -> float:
        return self.wait(serving, since=since)

    def push(self, content: Configuration | bytes, *, confirm: bool = False, **more: Any) -> None:
        """Send a configuration as the next version; with ``confirm`` say that it was seen working."""
        self.version += 1
        sent = (
            content
            if isinstance(content, bytes)
            else self.fleet.configuration(more.pop("version", self.version), content, **more)
        )
        self.client.publish(f"vdl/1/{EUI}/config/desired", sent, 1, retain=True).wait_for_publish(60)
        if confirm:
            began, version = time.monotonic(), self.version
            self.wait(lambda leaf, one: leaf == "health" and one.config_version == version, since=began)
            self.word += 1
            word = self.fleet.confirmation(self.word, decode_envelope(sent).sha256)
            self.client.publish(f"vdl/1/{EUI}/command/confirm-{self.word}", word, 1)

    def command(self, sent: bytes, name: str) -> None:
        self.client.publish(f"vdl/1/{EUI}/command/{name}", sent, 1).wait_for_publish(60)

    # The air.

    def frames(self, count: int) -> None:
        """Let ``count`` uplinks of as many devices arrive at the antenna."""
        for _ in range(count):
            number = len(self.sent) + 1
            head = b"\x40" + (0x26000000 + number).to_bytes(4, "little") + b"\x00"
            payload = head + number.to_bytes(2, "little") + b"\x01" + os.urandom(8)
            event = RfEvent(payload=payload, modulation=Lora(sf=7), frequency_hz=868_100_000)
            if self.chip.inject(event).value in {"heard", "pending"}:
                self.sent.append(payload)
            time.sleep(0.06)

    def wait_delivered(self, limit_s: float = 90.0) -> int:
        """Return how many of the frames that were heard are lost when no more arrive."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self.missing():
            time.sleep(0.1)
        return len(self.missing())

    def missing(self) -> set[bytes]:
        return set(self.sent) - set(self.lns.payloads)


def serving(leaf: str, one: Any) -> bool:
    """A heartbeat of a gateway that serves."""
    return (
        leaf == "health"
        and one.radio is messages.Radio.RECEIVING
        and bool(one.connectors)
        and one.connectors[0].up
    )
