"""Mails against a real SMTP server on loopback."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import SMTP as ON_THE_WIRE
from email.policy import default

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.ports import free_port
from fleet.lang.text import BREAKS
from fleet.notify import mail
from fleet.notify.model import Channel, NotSent, Outgoing

START_LIMIT_S = 60.0


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
    port, box, loop = free_port(), Box(), asyncio.new_event_loop()
    controller = Controller(box, hostname="127.0.0.1", port=port, loop=loop, ready_timeout=START_LIMIT_S)
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
    port = free_port()
    with pytest.raises(NotSent, match=str(port)) as caught:
        mail.send(mail.parse_mail_url(f"smtp://127.0.0.1:{port}"), mail.build(outgoing(), "a@b", 0))
    assert not caught.value.final


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "smtp://h:port", "smtp://h:99999"])
def test_a_wrong_address_is_named(url: str) -> None:
    with pytest.raises(mail.MailUrlError, match="PASSERELLE_SMTP_URL"):
        mail.parse_mail_url(url)


@pytest.mark.parametrize("broken", BREAKS)
def test_a_name_with_a_line_break_leaves_with_a_space(broken: str, smtp: tuple[Box, mail.MailServer]) -> None:
    message = replace(outgoing(), subject=f"MINEUR Vouvray{broken}château : hors service")
    mail.send(smtp[1], mail.build(message, "a@b", 0))
    assert (
        message_from_bytes(smtp[0].mails[0], policy=default)["Subject"]
        == "MINEUR Vouvray château : hors service"
    )


@pytest.mark.parametrize(
    "subject",
    [
        "é" * 120,
        "CRITIQUE Montlouis-sur-Loire\u202f: plus de service depuis 14:37 (« château d’eau »)",
        "Œuvre, île, ñ, 👩\u200d🔧 " * 8 + "fin",
        "a" * 300,
        "=?",
    ],
)
def test_long_subjects_and_accents_arrive_unchanged(subject: str, smtp: tuple[Box, mail.MailServer]) -> None:
    mail.send(smtp[1], mail.build(replace(outgoing(), subject=subject), "a@b", 0))
    raw = smtp[0].mails[0]
    assert message_from_bytes(raw, policy=default)["Subject"] == subject
    header = re.sub(r"\r?\n[ \t]", " ", re.search(rb"Subject: ((?:.|\n[ \t])*)", raw)[1].decode("ascii"))  # type: ignore[index]
    assert str(make_header(decode_header(header.strip()))) == subject
    assert max(len(line) for line in raw.split(b"\n")) <= 998


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=100))
@settings(deadline=None)
def test_any_words_make_a_mail(subject: str, text: str, html: str) -> None:
    built = mail.build(replace(outgoing(), subject=subject, text=text, html=html), "a@b", 0)
    sent = message_from_bytes(built.as_bytes(policy=ON_THE_WIRE), policy=default)
    assert sent["Message-ID"].startswith("<")
    assert b"\n\n" in built.as_bytes()


def test_half_a_surrogate_pair_in_the_text_and_a_part_that_cannot_be_rendered_leave() -> None:
    built = mail.build(replace(outgoing(), text="a\ud800b", html="<p>\udfff</p>"), "a@b", 0)
    assert built.get_body().get_content().strip() in ("a\ufffdb", "<p>\ufffd</p>")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("address", "to"),
    [
        ("anne@exemple.fr\u00a0", "anne@exemple.fr"),
        ("anne\u200b@exemple.fr", "anne@exemple.fr"),
        ("anne@mairie-réugny.fr", "anne@xn--mairie-rugny-ieb.fr"),
    ],
)
def test_an_address_as_people_paste_it(address: str, to: str) -> None:
    assert mail.build(outgoing(address), "a@b", 0)["To"] == to


@pytest.mark.parametrize(
    "address", ["", "anne", "a@b\nBcc: c@d", "a@b, c@d", "a@", "@b", "a@" + "x" * 80 + ".fr"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(mail.AddressRefused):
        mail.build(outgoing(address), "a@b", 0)
