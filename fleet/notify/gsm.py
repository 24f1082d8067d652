"""The letters that an SMS carries seven bits each; pure.

One letter outside them makes the whole message UCS-2: 67 characters a part in place of 153, and a page of two
parts becomes five.  So such letters lose their accent; nothing else changes.

Sources: 3GPP TS 23.038 §6.2.1 (default alphabet) and its extension table.
"""

import unicodedata

ALPHABET = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
    "^{}\\[~]|€"
)
INSTEAD = {
    "\u202f": " ",
    "\u00a0": " ",
    "’": "'",
    "‘": "'",
    "«": '"',
    "»": '"',
    "“": '"',
    "”": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "·": "-",
    "×": "x",
    "°": "o",
    "œ": "oe",
    "Œ": "OE",
}


def plain(text: str) -> str:
    """Return the text in the letters of an SMS.

    >>> plain("Bléré : arrêt à L'Île-Bouchard, « cœur »")
    'Bléré : arret à L\\'Ile-Bouchard, " coeur "'
    """
    return "".join(_letter(letter) for letter in text)


def fits(text: str) -> bool:
    """Return whether every letter is one of an SMS."""
    return ALPHABET.issuperset(text)


def _letter(letter: str) -> str:
    if letter in ALPHABET:
        return letter
    if letter in INSTEAD:
        return INSTEAD[letter]
    base = unicodedata.normalize("NFKD", letter)[:1]
    return base if base in ALPHABET else "?"
