"""A mail's fields: from phones, from webmail, from machines, and from nobody."""

import os
import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.intake.placing import commune_of
from fleet.intake.report_mail import (
    BODY_LIMIT_CHARACTERS,
    TEXT_LIMIT_CHARACTERS,
    ReportMail,
    mail_key,
    read,
    summary,
)
from tests.golden.files import GOLDEN
from tests.stories.world import paris

CASES = GOLDEN / "cases"
NAMES = {
    "37015": "Azay-sur-Cher",
    "37225": "Saint-Martin-le-Beau",
    "37999": "Saint-Martin",
    "37119": "L'Île-Bouchard",
    "2A004": "Ajaccio",
}
PHONE = """Received: from mx.exemple.fr (10.0.0.1) by nous; Sun, 22 Nov 2026 02:15:00 +0100
Received: from phone by mx.exemple.fr; Sun, 22 Nov 2026 02:14:40 +0100
Date: Mon, 24 Nov 2025 02:14:00 +0100
From: =?utf-8?q?Mairie_d=27Azay?= <mairie@azay.fr>
To: pannes+37015@exemple.fr
Message-ID: <1@azay>
Subject: =?utf-8?q?Plus_de_relev=C3=A9s?=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Plus aucun relevé depuis minuit.
> un message cité
"""


def mail(text: str = PHONE) -> ReportMail:
    return read(text.encode())


@pytest.fixture(params=["UTC", "Europe/Paris", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield os.environ["TZ"]
    monkeypatch.undo()
    time.tzset()


def test_who_when_and_what() -> None:
    found = mail()
    assert found.sender == "Mairie d'Azay <mairie@azay.fr>"
    assert found.recipients == ("pannes+37015@exemple.fr",)
    assert found.subject == "Plus de relevés"
    assert summary(found.body) == "Plus aucun relevé depuis minuit."


def test_the_time_is_our_servers_and_not_the_senders() -> None:
    assert mail().received_us == paris("2026-11-22 02:15:00")
    assert mail(PHONE.replace("Received", "X-Other")).received_us is None
    assert mail(PHONE.replace("22 Nov 2026 02:15:00 +0100", "gestern")).received_us is None


@pytest.mark.parametrize(
    "stamp",
    [
        "Mon, 23 Nov 2026 09:00:00 +0000",
        "Mon, 23 Nov 2026 09:00:00 -0000",
        "23 Nov 2026 09:00:00 -0000",
        "Mon, 23 Nov 2026 10:00:00 +0100 (CET)",
        "Mon, 23 Nov 2026 09:00:00 GMT",
        "Mon, 23 Nov 2026 09:00:00",
    ],
)
@pytest.mark.usefixtures("zone")
def test_a_time_without_a_zone_is_utc_wherever_the_server_stands(stamp: str) -> None:
    assert mail(PHONE.replace("Sun, 22 Nov 2026 02:15:00 +0100", stamp)).received_us == paris(
        "2026-11-23 10:00:00"
    )


@pytest.mark.usefixtures("zone")
def test_the_stamp_of_qmail_is_utc() -> None:
    raw = (CASES / "03-received-minus-0000" / "qmail.eml").read_bytes()
    assert read(raw).received_us == paris("2026-11-30 12:07:53")


def test_the_same_mail_delivered_twice_has_the_same_key() -> None:
    def key(text: str) -> str:
        return mail_key(text.encode())

    assert key(PHONE) == key(PHONE.replace("02:15:00", "02:16:00")) == key(PHONE.replace("\n", "\r\n"))
    assert key(PHONE) != key(PHONE.replace("<1@azay>", "<2@azay>"))
    assert key(PHONE) != key(PHONE.replace("minuit", "midi"))


def test_a_message_id_with_brackets_is_an_identity_like_another() -> None:
    raw = (CASES / "02-outlook-message-id" / "outlook.eml").read_bytes()
    assert read(raw).recipients[0] == "pannes+37194@exemple.fr"
    assert mail_key(raw) != mail_key(raw.replace(b"[xyz5]", b"[xyz6]"))


def test_a_charset_that_nobody_knows_is_read_all_the_same() -> None:
    assert "Plus aucun relev" in mail(PHONE.replace("charset=utf-8", "charset=klingon")).body


def test_a_long_text_is_cut() -> None:
    found = mail(PHONE.replace("> un message cité", "a" * 20_000))
    assert len(found.body) == BODY_LIMIT_CHARACTERS
    assert len(summary(found.body)) == TEXT_LIMIT_CHARACTERS


@pytest.mark.parametrize(
    ("line", "automatic"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-generated; owner-email=a@b", True),
        ("Precedence: auto_reply", True),
        ("X-Autoreply: yes", True),
        ("Return-Path: <>", True),
        ("Precedence: bulk", False),
        ("Precedence: list", False),
        ("Auto-Submitted: no", False),
    ],
)
def test_what_a_machine_sends_by_itself(line: str, automatic: bool) -> None:
    assert mail(f"{line}\n{PHONE}").automatic is automatic


@given(st.binary(max_size=300))
@example(b"From: \xff\n\n")
@example(b"Subject: =?x?y?z?=\nContent-Type: multipart/mixed\n\n")
@example(b'From: a\nContent-Type: text/plain; charset="\x00"\n\nx')
@example(b"Content-Type: text/html\n\n<![CDATA[ <!-- <a")
@example(b'Content-Type: application/ms-tnef\n\nx\x9f>"')
def test_any_bytes_are_read(raw: bytes) -> None:
    found = read(raw)
    assert len(summary(found.body)) <= TEXT_LIMIT_CHARACTERS
    assert len(mail_key(raw)) == 64
    commune_of(found.recipients, found.sender, found.subject, found.body, NAMES)
    (found.sender + found.subject + found.body).encode()


@pytest.mark.parametrize(
    ("to", "subject", "text", "insee"),
    [
        ("pannes+37015@x.fr", "", "", "37015"),
        ("pannes+37015@x.fr", "Saint-Martin", "", "37015"),
        ("pannes+99999@x.fr", "panne à AZAY SUR CHER", "", "37015"),
        ("pannes@x.fr", "[37119] panne", "", "37119"),
        ("pannes@x.fr", "panne 2A004", "", "2A004"),
        ("pannes@x.fr", "panne", "À l’Île-Bouchard plus rien", "37119"),
        ("pannes@x.fr", "Saint-Martin-le-Beau en panne", "", "37225"),
        ("pannes@x.fr", "Saint-Martin en panne", "", "37999"),
        ("pannes@x.fr", "Azay-sur-Cher et Ajaccio", "rien", None),
        ("pannes@x.fr", "Azay-sur-Cher et Ajaccio", "à Ajaccio", "2A004"),
        ("pannes@x.fr", "panne", "tél 0237015000", None),
        ("pannes@x.fr", "Azay-le-Rideau", "", None),
    ],
)
def test_which_commune_a_mail_is_about(to: str, subject: str, text: str, insee: str | None) -> None:
    assert commune_of((to,), "", subject, text, NAMES) == insee
