"""The two languages of who stands before a gateway: French first, English second."""

from enum import StrEnum

from agent.wire.reasons import Reason, text

NARROW = "\u202f"
"""No-break space of French numbers and punctuation."""


class Lang(StrEnum):
    """The language of a screen."""

    FR = "fr"
    EN = "en"


def say(lang: Lang, french: str, english: str) -> str:
    """Return the words of a language."""
    return french if lang is Lang.FR else english


def because(lang: Lang, reason: Reason | None) -> str:
    """Return a reason in a language, behind a dash; nothing for none."""
    return "" if reason is None else f" — {text(reason, lang.value)}"


def count(lang: Lang, number: int) -> str:
    """Return a number with its thousands apart.

    >>> count(Lang.EN, 12345)
    '12,345'
    """
    text = f"{number:,}"
    return text.replace(",", NARROW) if lang is Lang.FR else text


def typeset(lang: Lang, screen: str) -> str:
    """Return the text with the spaces that French sets before its punctuation."""
    if lang is Lang.EN:
        return screen
    for mark in ";:!?":
        screen = screen.replace(f" {mark}", f"{NARROW}{mark}")
    return screen


def lang_of(accepted: str) -> Lang:
    """Return the language that a browser's Accept-Language asks for; French unless English comes first.

    >>> lang_of("en-GB,en;q=0.9,fr;q=0.5").value
    'en'
    """
    for part in accepted.lower().split(","):
        code = part.strip()[:2]
        if code in ("fr", "en"):
            return Lang(code)
    return Lang.FR
