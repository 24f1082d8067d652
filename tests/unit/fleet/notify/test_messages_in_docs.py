"""``docs/messages`` holds what the code writes; ``PASSERELLE_WRITE_DOCS=1`` writes it anew."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.lang.format import short
from fleet.lang.i18n import t
from fleet.notify.compose import Occasion, SiteLine, Subject, bundle, compose, headline
from fleet.notify.gsm import plain
from fleet.notify.marks import filled
from fleet.notify.model import Rendered
from fleet.oncall.gaps import OPEN_END_US, Gap, GapKind
from fleet.paging.plan_gaps import worded
from tests.stories.world import DAY, HOUR, MINUTE, SECOND, paris

FOLDER = Path(__file__).parents[4] / "docs" / "messages"
BEGAN = paris("2026-11-22 02:13:48")
NOW = BEGAN + 100 * SECOND

AZAY = Subject(
    occasion=Occasion.OPENED,
    ticket_id=12,
    criticality="CRITICAL",
    where="Azay-sur-Cher",
    what="lost",
    cause="unknown",
    began_us=BEGAN,
    on_site_due_us=BEGAN + 90 * SECOND + 4 * HOUR,
    communes=("Azay-sur-Cher",),
    sites=(
        SiteLine(
            name="Église Sainte-Marie-Madeleine",
            commune="Azay-sur-Cher",
            address="Place de la Poste",
            access_notes="Mairie ouverte dès 8 h 30 ; la nuit, appeler l'élu d'astreinte.",
            needs=("key", "height_work", "two_people"),
            lat=47.3494,
            lon=0.8457,
        ),
    ),
    link="https://passerelle.example/a/EXEMPLE",
    ticket_url="https://passerelle.example/tickets/12",
)
ORANGE = replace(
    AZAY,
    ticket_id=13,
    ticket_url="https://passerelle.example/tickets/13",
    where="Opérateur Orange, 178 communes",
    cause="operator",
    cause_known="Orange",
    gateways=535,
    communes=tuple(f"Commune {number}" for number in range(178)),
    sites=(),
)
VOUVRAY = replace(
    AZAY,
    ticket_id=14,
    ticket_url="https://passerelle.example/tickets/14",
    criticality="MAJOR",
    where="Vouvray",
    what="redundancy",
    communes=("Vouvray",),
    sites=(),
)
LIGUEIL = replace(
    AZAY,
    ticket_id=15,
    ticket_url="https://passerelle.example/tickets/15",
    criticality="MAJOR",
    where="Ligueil",
    what="sensors",
    sensors=42,
    communes=("Ligueil",),
    sites=(),
    missing=("height_work",),
)
GAPS = (
    Gap(kind=GapKind.LEVEL, what="1", from_us=BEGAN + 3 * DAY, until_us=BEGAN + 4 * DAY),
    Gap(kind=GapKind.SKILL, what="height_work", from_us=BEGAN + 5 * DAY, until_us=OPEN_END_US),
    Gap(kind=GapKind.TERRITORY, what="Loches Sud Touraine", from_us=BEGAN, until_us=BEGAN + DAY),
)

GAP_MAIL = worded(GAPS, BEGAN + 16 * DAY, "fr")


def watchman(key: str) -> Rendered:
    """Return what the watchman sends, which has no mail."""
    text = plain(t("fr", f"watchman.{key}", since=short("fr", BEGAN, NOW)))
    return Rendered(subject=text, text="", sms=text)


MESSAGES = {
    "capteurs": compose(LIGUEIL, "fr", NOW),
    "manques-astreinte": replace(
        GAP_MAIL, text=filled(GAP_MAIL.text, "https://passerelle.example", lambda _: "")
    ),
    "veilleur-silence": watchman("silent"),
    "veilleur-messages": watchman("stuck"),
    "veilleur-essai": watchman("test"),
    "perte-commune": compose(AZAY, "fr", NOW),
    "perte-commune.en": compose(AZAY, "en", NOW),
    "perte-operateur": compose(ORANGE, "fr", NOW),
    "redondance": compose(VOUVRAY, "fr", NOW),
    "regroupe": bundle([compose(AZAY, "fr", NOW), compose(VOUVRAY, "fr", NOW)], "fr"),
    "sans-reponse": compose(replace(AZAY, occasion=Occasion.ESCALATED), "fr", NOW + 10 * MINUTE),
    "sans-nouvelles": compose(replace(AZAY, occasion=Occasion.LAPSED), "fr", NOW + HOUR),
    "delai-proche": compose(replace(AZAY, occasion=Occasion.WARNING), "fr", NOW + 3 * HOUR),
    "delai-depasse": compose(replace(AZAY, occasion=Occasion.OVERDUE), "fr", NOW + 5 * HOUR),
    "retabli": compose(
        replace(AZAY, occasion=Occasion.ENDED, on_site_due_us=None, ended_us=BEGAN + 77 * MINUTE, link=""),
        "fr",
        NOW + 80 * MINUTE,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_the_files_are_what_the_code_writes(name: str) -> None:
    message: Rendered = MESSAGES[name]
    for file, text in bodies(name, message).items():
        if os.environ.get("PASSERELLE_WRITE_DOCS"):
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / file).write_text(text, encoding="utf-8")
        assert (FOLDER / file).read_text(encoding="utf-8") == text


def bodies(name: str, message: Rendered) -> dict[str, str]:
    """Return the files of a message; a way that it does not go has none."""
    found = {
        f"{name}.txt": message.text and f"Objet : {message.subject}\n\n{message.text}",
        f"{name}.html": message.html and message.html + "\n",
        f"{name}.sms": message.sms and message.sms + "\n",
    }
    return {file: text for file, text in found.items() if text}


def test_no_file_is_left_from_another_time() -> None:
    known = {file for name, message in MESSAGES.items() for file in bodies(name, message)} | {"README.md"}
    assert {path.name for path in FOLDER.iterdir()} == known


PAGES = [name for name in MESSAGES if not name.startswith(("veilleur", "manques"))]


@pytest.mark.parametrize("name", PAGES)
def test_the_first_hundred_characters_decide(name: str) -> None:
    first = MESSAGES[name].text[:100]
    assert any(place in first for place in ("Azay-sur-Cher", "Orange", "Vouvray", "Ligueil"))
    assert any(word in first for word in ("CRITI", "MAJEUR", "RÉTABLI"))
    assert len(MESSAGES[name].sms) <= 320


def test_the_example_of_the_contract_word_for_word() -> None:
    wanted = "CRITIQUE Azay-sur-Cher\u202f: plus de service depuis 02:13. Sur site avant 06:15."
    assert headline(AZAY, "fr", NOW) == wanted


def test_html_escapes_what_people_typed() -> None:
    evil = replace(
        AZAY,
        where="<script>alert(1)</script>",
        sites=(SiteLine(name="<b>", commune="&", access_notes='"<i>'),),
    )
    html = compose(evil, "fr", NOW).html
    assert "<script>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;" in html
