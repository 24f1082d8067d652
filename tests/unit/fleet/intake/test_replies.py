import pytest

from fleet.intake.reading import REPLY_LIMIT_CHARACTERS, Meaning, understand


@pytest.mark.parametrize(
    ("text", "meaning", "ticket"),
    [
        ("ok", Meaning.ACKNOWLEDGE, None),
        ("OK.", Meaning.ACKNOWLEDGE, None),
        ("Oui !", Meaning.ACKNOWLEDGE, None),
        ("ok 12", Meaning.ACKNOWLEDGE, 12),
        ("Je prends ticket 7", Meaning.ACKNOWLEDGE, 7),
        ("bien reçu", Meaning.ACKNOWLEDGE, None),
        ("En route", Meaning.EN_ROUTE, None),
        ("J’y vais", Meaning.EN_ROUTE, None),
        ("Arrivé", Meaning.ON_SITE, None),
        ("sur place n°3", Meaning.ON_SITE, 3),
        ("non", Meaning.DECLINE, None),
        ("Impossible", Meaning.DECLINE, None),
        ("ok mais pas avant demain", Meaning.NOTE, None),
        ("pas ok", Meaning.NOTE, None),
        ("non je suis déjà sur site", Meaning.NOTE, None),
        ("", Meaning.NOTE, None),
        ("👍", Meaning.NOTE, None),
        ("STOP", Meaning.NOTE, None),
        ("ok 99999999999", Meaning.NOTE, None),
    ],
)
def test_only_a_plain_order_is_an_order(text: str, meaning: Meaning, ticket: int | None) -> None:
    found = understand(text)
    assert (found.meaning, found.ticket_id) == (meaning, ticket)


def test_a_long_reply_is_cut() -> None:
    assert len(understand("x" * 5000).text) == REPLY_LIMIT_CHARACTERS
