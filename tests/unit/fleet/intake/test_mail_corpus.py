"""Mails in the forms of real mail programs, each with the commune that a person would read in it.

``right.json`` says INSEE code, ``ask`` where a person could not say either, or ``automatic``.  Names,
addresses and texts are ours; the forms are those of Outlook, Exchange, Gmail, Zimbra, Apple Mail and phones.
"""

import json
from pathlib import Path

import pytest

from fleet.intake.named import named_in
from fleet.intake.placing import commune_of
from fleet.intake.report_mail import mail_key, read, summary

CORPUS = Path(__file__).parent / "corpus"
NAMES: dict[str, str] = json.loads((CORPUS / "communes.json").read_text(encoding="utf-8"))
RIGHT: dict[str, str] = json.loads((CORPUS / "right.json").read_text(encoding="utf-8"))
MAILS_LIMIT = 60
"""At least so many."""
PLACED_SHARE = 0.98
"""This share of the mails that a person could place is placed right."""


def raw(name: str) -> bytes:
    return (CORPUS / f"{name}.eml").read_bytes()


def placed(mail: bytes) -> str:
    found = read(mail)
    where = commune_of(found.recipients, found.sender, found.subject, found.body, NAMES)
    return "automatic" if found.automatic else where or "ask"


def test_every_mail_has_its_right_answer_and_no_two_are_the_same() -> None:
    assert {path.stem for path in CORPUS.glob("*.eml")} == set(RIGHT)
    assert len({mail_key(raw(name)) for name in RIGHT}) == len(RIGHT) >= MAILS_LIMIT
    assert set(RIGHT.values()) - set(NAMES) == {"ask", "automatic"}


def test_nearly_all_are_placed_right_and_none_wrong() -> None:
    found = {name: placed(raw(name)) for name in RIGHT}
    wrong = {name: where for name, where in found.items() if where not in ("ask", RIGHT[name])}
    assert wrong == {}
    possible = [name for name, where in RIGHT.items() if where in NAMES]
    right = [name for name in possible if found[name] == RIGHT[name]]
    assert len(right) >= PLACED_SHARE * len(possible), set(possible) - set(right)


@pytest.mark.parametrize("name", RIGHT)
def test_what_was_written_is_on_the_ticket_and_no_mark_of_its_program(name: str) -> None:
    mail = read(raw(name))
    text = summary(mail.body)
    assert len(text.splitlines()) <= 1
    for mark in ("<", "font-face", "=E9", "=?", "\0", "&nbsp;", "a écrit"):
        assert mark not in text.replace("<mairie", "")


def test_a_postal_address_in_the_signature_gives_its_own_commune() -> None:
    found = {}
    for insee, name in NAMES.items():
        text = f"Plus rien.\n\nCordialement,\nMairie de {name}\n1 place de la Mairie\n37270 {name}"
        found[insee] = commune_of((), "Mairie <mairie@exemple.fr>", "Panne", text, NAMES)
    assert found == {insee: insee for insee in NAMES}


@pytest.mark.parametrize(
    "way", ["à {} depuis hier", "la commune de {}", "{} : panne", "37270 {}", "Mairie de {}", "{} (37270)"]
)
def test_every_name_is_found(way: str) -> None:
    for insee, name in NAMES.items():
        assert {one.insee for one in named_in(way.format(name), NAMES)} == {insee}, name


NO_COMMUNE = """
il faut que je sache|Paul Durand, Chargé de mission|PRISE EN CHARGE|trois tours de vanne|l'avoine|la mer
des hommes sur la rivière|j’ai lancé la pompe|route de Tours|Tours Métropole|Mme Vouvray|Jean Tours
rue de la Monnaie|avenue de Blois|tes monts et ports|syndicat de Loches|Saint-Fictif-sur-Loire
"""


@pytest.mark.parametrize("text", NO_COMMUNE.strip().replace("\n", "|").split("|"))
def test_a_word_a_street_or_a_person_is_no_commune(text: str) -> None:
    assert named_in(text, NAMES) == ()
