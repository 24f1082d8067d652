"""Mails as they come: from phones, from webmail, from machines, and from nobody."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fleet.intake.reading import (
    MAIL_LIMIT_BYTES,
    TEXT_LIMIT_CHARACTERS,
    AutomaticMail,
    MailRefused,
    ReportMail,
    commune_of,
    read,
)
from tests.stories.world import paris

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


def test_who_when_and_what() -> None:
    found = mail()
    assert found.sender == "Mairie d'Azay <mairie@azay.fr>"
    assert found.subject == "Plus de relevés"
    assert found.text == "Plus aucun relevé depuis minuit."


def test_the_time_is_our_servers_and_not_the_senders() -> None:
    assert mail().received_us == paris("2026-11-22 02:15:00")
    assert mail(PHONE.replace("Received", "X-Other")).received_us is None
    assert mail(PHONE.replace("22 Nov 2026 02:15:00 +0100", "gestern")).received_us is None


def test_the_same_mail_delivered_twice_has_one_key() -> None:
    assert mail().key == mail(PHONE.replace("02:15:00", "02:16:00")).key
    assert mail().key != mail(PHONE.replace("<1@azay>", "<2@azay>")).key


def test_html_alone_is_read_without_its_tags() -> None:
    text = PHONE.replace("text/plain", "text/html").replace("Plus aucun", "<p>Plus <b>aucun</b></p>")
    assert mail(text).text.startswith("Plus aucun relevé")


def test_a_charset_that_nobody_knows_is_read_all_the_same() -> None:
    assert "Plus aucun relev" in mail(PHONE.replace("charset=utf-8", "charset=klingon")).text


def test_a_long_text_is_cut() -> None:
    assert len(mail(PHONE + "a" * 2000).text) == TEXT_LIMIT_CHARACTERS


@pytest.mark.parametrize(
    "line", ["Auto-Submitted: auto-replied", "Precedence: bulk", "Return-Path: <>", "Precedence: list"]
)
def test_what_a_machine_sends_by_itself_is_no_report(line: str) -> None:
    with pytest.raises(AutomaticMail):
        mail(f"{line}\n{PHONE}")


def test_a_person_who_says_that_it_is_not_automatic_is_believed() -> None:
    assert mail(f"Auto-Submitted: no\n{PHONE}").subject


def test_the_limit_of_size() -> None:
    body = PHONE.encode()
    assert read(body + b"a" * (MAIL_LIMIT_BYTES - len(body)))
    with pytest.raises(MailRefused, match="at most"):
        read(body + b"a" * (MAIL_LIMIT_BYTES - len(body) + 1))


@given(st.binary(max_size=300))
@example(b"From: \xff\n\n")
@example(b"Subject: =?x?y?z?=\nContent-Type: multipart/mixed\n\n")
@example(b'From: a\nContent-Type: text/plain; charset="\x00"\n\nx')
def test_nothing_but_its_own_error_on_any_bytes(raw: bytes) -> None:
    try:
        found = read(raw)
    except MailRefused:
        return
    assert len(found.text) <= TEXT_LIMIT_CHARACTERS


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
    found = ReportMail(key="", sender="", recipients=(to,), subject=subject, text=text, received_us=None)
    assert commune_of(found, NAMES) == insee
