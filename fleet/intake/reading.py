"""What a technician meant who answers by SMS; pure.

    ok, oui, a, ack, je prends, pris    take the newest ticket they were told of, or « ok 12 » that one
    route, en route, je pars            en route
    sur site, sur place, arrivé         on site, by their word
    non, impossible, n                  they cannot: the next level is told at once
    anything else                       a note on the ticket, and an answer that says what can be written

Sources: DESIGN §7 (notification by SMS); GoAlert's ``a`` and ``c`` replies.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

REPLY_LIMIT_CHARACTERS = 480
"""The longest reply that is kept as a note, three SMS; what is longer is cut."""


class Meaning(StrEnum):
    """What a reply asks for."""

    ACKNOWLEDGE = "acknowledge"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    DECLINE = "decline"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply, understood."""

    meaning: Meaning
    ticket_id: int | None
    text: str


WORDS: tuple[tuple[Meaning, str], ...] = (
    (Meaning.DECLINE, r"non|n|impossible|peux pas|pas dispo(nible)?"),
    (Meaning.ON_SITE, r"sur site|sur place|arrive[e]?|on site"),
    (Meaning.EN_ROUTE, r"en route|route|je pars|parti[e]?|j'?y vais"),
    (Meaning.ACKNOWLEDGE, r"ok|oui|a|ack|o|yes|je prends|pris( en charge)?|bien recu"),
)


def understand(text: str) -> Reply:
    """Return what a reply means; only a reply that is nothing but the words counts as an order.

    >>> understand("OK 12"), understand("Je suis d'accord mais demain").meaning
    (Reply(meaning=<Meaning.ACKNOWLEDGE: 'acknowledge'>, ticket_id=12, text='OK 12'), <Meaning.NOTE: 'note'>)
    """
    text = text[:REPLY_LIMIT_CHARACTERS].strip()
    simple = unicodedata.normalize("NFKD", text.lower().replace("’", "'"))
    simple = "".join(letter for letter in simple if not unicodedata.combining(letter)).strip(" .!?")
    for meaning, pattern in WORDS:
        match = re.fullmatch(rf"(?:{pattern})\W*(?:(?:ticket|n°|no|#)?\s*(?P<ticket>\d{{1,9}}))?", simple)
        if match:
            number = match["ticket"]
            return Reply(meaning=meaning, ticket_id=None if number is None else int(number), text=text)
    return Reply(meaning=Meaning.NOTE, ticket_id=None, text=text)
