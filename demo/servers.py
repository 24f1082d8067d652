"""The servers beside the demo's world: a broker as a process, and a mailbox that keeps every mail as a file.

The broker is Mosquitto with mutual TLS where the machine has it, else the wheel on loopback without.

The wheel (``iotcore``, rumqttd) checks no certificate, hence demo only and 127.0.0.1 only (DESIGN §5).
"""

import shutil
import sys
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.child import Child
from demo.ports import free_port

MOSQUITTO_PLACES = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
KEPT_LIMIT = 500
"""The list holds so many mails; the oldest leaves it, its file stays."""
MAILBOX_START_LIMIT_S = 60.0
"""On a busy machine; aiosmtpd's own limit is 5 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPlan:
    """Which broker, where, and whether it asks for certificates."""

    program: str | None
    """Path of Mosquitto; None is the wheel."""
    port: int
    tls: bool

    @property
    def url(self) -> str:
        """The address in the form of PASSERELLE_BROKER_URL."""
        return f"{'mqtts' if self.tls else 'mqtt'}://127.0.0.1:{self.port}"


def plan_broker(*, without_mosquitto: bool = False) -> BrokerPlan:
    """Return Mosquitto if this machine has it, else the wheel."""
    program = shutil.which("mosquitto") or next(
        (place for place in MOSQUITTO_PLACES if Path(place).exists()), None
    )
    if without_mosquitto:
        program = None
    return BrokerPlan(program=program, port=free_port(), tls=program is not None)


def broker_child(plan: BrokerPlan, configuration: Path, log: Path) -> Child:
    """Return the broker's process, not yet started."""
    if plan.program is not None:
        return Child("broker", (plan.program, "-c", str(configuration)), log)
    return Child(
        "broker",
        (
            sys.executable,
            "-m",
            "iotcore",
            "--listen",
            "127.0.0.1",
            "--port",
            str(plan.port),
            "--log-level",
            "CRITICAL",
        ),
        log,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message as it arrived."""

    recipients: tuple[str, ...]
    subject: str
    text: str
    file: Path


class Mailbox:
    """Takes every mail on the loopback ``port``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mails: list[Mail] = []
        self.port = free_port()
        self._controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ready_timeout=MAILBOX_START_LIMIT_S
        )

    def open(self) -> None:
        """Listen, in a thread of its own."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._controller.start()

    def close(self) -> None:
        """Stop listening."""
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        """Keep one message; the name is aiosmtpd's."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        message = message_from_bytes(content, policy=policy.default)
        file = self.folder / f"{len(self.mails) + 1:04d}.eml"
        file.write_bytes(content)
        body = message.get_body(("plain", "html"))
        text = str(body.get_content()) if body is not None else ""
        mail = Mail(
            recipients=tuple(envelope.rcpt_tos), subject=str(message["Subject"] or ""), text=text, file=file
        )
        self.mails = [*self.mails, mail][-KEPT_LIMIT:]
        return "250 OK"
