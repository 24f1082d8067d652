"""Mails against a real SMTP server on loopback."""

import asyncio
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from fleet.notify import mail
from fleet.notify.model import Channel, NotSent, Outgoing


class Box:
    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.mails.append(bytes(envelope.content or b""))
        return self.answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[Box, mail.MailServer]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=port, loop=asyncio.new_event_loop())
    controller.start()
    yield box, mail.parse_mail_url(f"smtp://127.0.0.1:{port}")
    controller.stop()


def outgoing(address: str = "anne@example.fr") -> Outgoing:
    return Outgoing(
        id=1,
        key="page/1",
        channel=Channel.MAIL,
        address=address,
        subject="CRITIQUE Azay-sur-Cher\u202f: plus de service",
        text="Détail\n",
        html="<p>Détail</p>",
        attempts=1,
        created_at_us=0,
    )


def test_a_mail_arrives_with_text_html_and_the_idempotency_key(smtp: tuple[Box, mail.MailServer]) -> None:
    box, server = smtp
    for _ in range(2):
        mail.send(server, mail.build(outgoing(), "Passerelle <passerelle@example.fr>", 1_000_000))
    first, second = (message_from_bytes(one, policy=default) for one in box.mails)
    assert first["Subject"] == "CRITIQUE Azay-sur-Cher\u202f: plus de service"
    assert first["Message-ID"] == second["Message-ID"]
    assert first["Message-ID"].endswith("@example.fr>")
    assert [part.get_content_type() for part in first.walk()][1:] == ["text/plain", "text/html"]
    assert first["Auto-Submitted"] == "auto-generated"


def test_an_unknown_recipient_is_final(smtp: tuple[Box, mail.MailServer]) -> None:
    with pytest.raises(NotSent, match="550") as caught:
        mail.send(smtp[1], mail.build(outgoing("nobody@example.fr"), "a@b", 0))
    assert caught.value.final


def test_a_busy_server_is_tried_again(smtp: tuple[Box, mail.MailServer]) -> None:
    smtp[0].answer = "451 try later"
    with pytest.raises(NotSent, match="451") as caught:
        mail.send(smtp[1], mail.build(outgoing(), "a@b", 0))
    assert not caught.value.final


def test_no_server_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(NotSent, match=str(port)) as caught:
        mail.send(mail.parse_mail_url(f"smtp://127.0.0.1:{port}"), mail.build(outgoing(), "a@b", 0))
    assert not caught.value.final


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "smtp://h:port", "smtp://h:99999"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(mail.MailUrlError, match="PASSERELLE_SMTP_URL"):
        mail.parse_mail_url(url)
