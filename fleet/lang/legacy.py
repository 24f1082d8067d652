"""What agents that know no codes say: English prose instead of a code with values.

It stays readable for one release and is shown as it came, marked as a gateway's English.  This file
goes, with its three uses, when no such agent is left.
"""

from typing import Final

from fleet.lang.i18n import t

BOX_WORDS: Final = ("watchdog", "crash", "update", "restart", "reboot", "recovery")
"""In the prose of a BOOT record these blame the box for an unclean end; without one it was power."""


def blames_the_box(prose: str) -> bool:
    """Return whether the prose of a BOOT record lays the end of the boot before at the box's door."""
    return any(word in prose.lower() for word in BOX_WORDS)


def spool_full(prose: str) -> str:
    """Return the reason of a full store behind the reason why the server is away."""
    return f"spool full; {prose}"


def is_foreign(lang: str, prose: str) -> bool:
    """Return whether prose must be marked as English; single words are states and names."""
    return lang != "en" and " " in prose


def in_words(lang: str, prose: str) -> str:
    """Return prose for a person, marked where it is not in the person's language.

    >>> in_words("fr", "no answer for 30 s")
    'no answer for 30 s (texte de la passerelle, en anglais)'
    """
    return f"{prose} {t(lang, 'gateway.prose')}" if is_foreign(lang, prose) else prose
