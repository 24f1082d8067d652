"""The installer's guide says what the programs say: lines of the screen, buttons of the ticket, messages."""

import re
from pathlib import Path

from fleet.lang import i18n

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide-installateur.md").read_text(encoding="utf-8")


LINES = (
    "Radio",
    "Trames",
    "Enrôlement",
    "Lien flotte",
    "Configuration",
    "Heure",
    "Machine",
    "Octets du mois",
)
LINES += ("Émission", "Certificat", "Code sur site", "GNSS")


def test_the_lines_of_the_status_screen_are_explained() -> None:
    screen = (ROOT / "agent" / "status" / "screen.py").read_text(encoding="utf-8")
    assert [line for line in LINES if f'"{line}"' not in screen] == []
    assert [line for line in LINES if f"| {line}" not in GUIDE] == []


def test_every_command_of_the_guide_exists() -> None:
    told = re.findall(r"^passerelle (\w+) (\w+)", GUIDE, re.MULTILINE)
    assert set(told) == {
        ("provision", "flash"),
        ("provision", "check"),
        ("provision", "accept"),
        ("agent", "status"),
        ("agent", "doctor"),
        ("agent", "report"),
        ("agent", "config"),
    }


def test_buttons_of_the_ticket_are_named_as_they_are() -> None:
    for key in ("ticket.action.partir", "ticket.action.arriver", "ticket.report"):
        assert f"**{i18n.t('fr', key)}**" in GUIDE
    assert i18n.t("fr", "ticket.action.arriver_code") in GUIDE.replace("'", "’")
