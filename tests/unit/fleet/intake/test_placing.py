"""Which commune a mail is about, by the strength of what names it; where two disagree, a person reads it."""

import pytest

from fleet.intake.placing import commune_of

NAMES = {"37245": "Reugny", "37281": "Vouvray", "37015": "Azay-sur-Cher", "2A004": "Ajaccio"}
PLEASE = "Bonjour,\n\nla passerelle de {} ne répond plus.\n\n"
HALL = "Cordialement,\n-- \nMairie de {}\n"
ASK = None


def placed(text="", *, subject="Panne", sender="a@example.fr", to=()):
    return commune_of(to, sender, subject, text, NAMES)


@pytest.mark.parametrize(
    ("body", "hall", "commune"),
    [
        ("Reugny", None, "37245"),
        ("Reugny", "Reugny", "37245"),
        ("Reugny", "Vouvray", ASK),
        (None, "Vouvray", "37281"),
        (None, None, ASK),
    ],
)
def test_a_town_hall_that_writes_of_another_commune_is_read_by_a_person(body, hall, commune):
    text = PLEASE.format(body) if body else "Bonjour,\n\nplus rien depuis hier.\n\n"
    assert placed(text + (HALL.format(hall) if hall else "")) == commune


@pytest.mark.parametrize(
    ("subject", "body", "commune"),
    [
        ("Panne à Reugny", "", "37245"),
        ("Re: TR: Panne à Reugny", "", "37245"),
        ("Panne à Reugny", "Vouvray", ASK),
        ("Panne à Reugny et Vouvray", "Vouvray", "37281"),
        ("Panne à Reugny et Vouvray", "", ASK),
        ("Panne [37281]", "", "37281"),
        ("Panne [37281]", "Reugny", ASK),
        ("Panne", "Reugny et de Vouvray", ASK),
        ("Panne 2A004", "", "2A004"),
        ("Panne 37281", "", ASK),
        ("Panne [37999]", "", ASK),
    ],
)
def test_codes_win_over_the_subject_and_the_subject_over_the_text_unless_they_disagree(
    subject, body, commune
):
    assert placed(PLEASE.format(body) if body else "", subject=subject) == commune


@pytest.mark.parametrize(
    ("tag", "commune"),
    [
        ("37281", "37281"),
        ("vouvray", "37281"),
        ("azay-sur-cher", "37015"),
        ("37999", "37245"),
        ("x", "37245"),
    ],
)
def test_the_address_that_it_was_sent_to_wins_over_all(tag, commune):
    assert placed(PLEASE.format("Reugny"), to=(f"alertes+{tag}@vdl.example",)) == commune


def test_two_addresses_of_two_communes_are_read_by_a_person():
    to = ("alertes+reugny@vdl.example", "alertes+vouvray@vdl.example")
    assert placed(PLEASE.format("Reugny"), to=to) is ASK


@pytest.mark.parametrize(
    ("sender", "commune"),
    [
        ("mairie@reugny.fr", "37245"),
        ("mairie.reugny@orange.fr", "37245"),
        ("Mairie <contact@vouvray.fr>", ASK),
        ("reugny@orange.fr", ASK),
        ("mairie@orange.fr", ASK),
        ("Mairie d'Azay-sur-Cher <secretariat@example.fr>", "37015"),
    ],
)
def test_a_town_hall_is_known_by_its_address(sender, commune):
    assert placed("Bonjour,\n\nplus rien depuis hier.\n", sender=sender) == commune
