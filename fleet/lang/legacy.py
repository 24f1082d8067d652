"""English prose instead of codes: what older agents say, and what the fleet kept before it had codes.

An agent's stays readable for one release and is shown as it came, marked as a gateway's English; ours is in
closed months and stored rows, and is shown in the words of its code.  This file goes, with its uses, when no
such agent is left and no such month is looked at.
"""

from typing import Final

from fleet.lang.i18n import t

BOX_WORDS: Final = ("watchdog", "crash", "update", "restart", "reboot", "recovery")
"""In the prose of a BOOT record these blame the box for an unclean end; without one it was power."""

OWN_CODES: Final = {
    prose: f'["fleet.{code}",{{}}]'
    for prose, code in {
        "silent since the last proof of life": "silent",
        "two boxes with one EUI": "two_boxes",
        "stopped": "stopped",
        "died without a stop": "died",
        "DEAF": "radio_deaf",
        "OFF": "radio_off",
        "withdrawn": "withdrawn",
        "work order": "work_order",
        "maintenance beyond a cap": "beyond_cap",
        "maintenance beyond the month's cap": "beyond_cap",
        "blind: broker: no canary came back": "no_canary",
        "blind: clock: our clock was set forward": "clock_forward",
        "blind: ingest: the fleet manager did not run": "not_running",
    }.items()
}
"""Lines that the fleet kept before it had codes, with the line that it keeps today."""


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
