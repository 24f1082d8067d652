"""The demo's SMTP server on loopback: it keeps every mail as a file and the newest ones in a list."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.ports import free_port

KEPT_LIMIT = 500
"""The list holds so many mails; the oldest leaves it, its file stays."""


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
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

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
