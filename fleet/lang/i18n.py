"""Every sentence that a person reads, French first, English second: ``t(lang, key, **values)``.

The catalogue is ``catalogue/*.toml``, one line a key with both languages side by side, so that neither can be
forgotten.  Values are formatted in the person's language.  A key with ``fr_one``/``en_one`` is worded by
``count``: French says the singular for 0 and 1, English for 1.  Typed with plain spaces and straight
apostrophes, sentences leave with narrow no-break spaces and typographic ones (UI.md, "French").
"""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from fleet.lang import format as formats

LANGUAGES: Final = ("fr", "en")
DEFAULT_LANGUAGE: Final = "fr"
CATALOGUE: Final = Path(__file__).parent / "catalogue"

NARROW: Final = "\u202f"
_BEFORE = re.compile(r"[ \u00a0](?=[:;!?»](?:\s|$|[)\]»]))")
_UNIT = re.compile(r" (?=(?:%|€|°C|ms|dBm?|h|min|s|km|m)(?![\w’]))(?<=[\d}] )")
_AFTER = re.compile(r"(?<=«)[ \u00a0]")


class MissingText(KeyError):
    """A key that the catalogue does not hold in that language."""


def typographic(lang: str, text: str) -> str:
    """Return ``text`` as a printer would set it in ``lang``.

    >>> typographic("fr", "Qui est d'astreinte ?").encode("ascii", "backslashreplace").decode()
    'Qui est d\\\\u2019astreinte\\\\u202f?'
    """
    text = _UNIT.sub(NARROW, text.replace("'", "’"))
    if lang == "fr":
        text = _AFTER.sub(NARROW, _BEFORE.sub(NARROW, text))
    return text


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """Return every key with its sentences by ``fr``, ``en``, ``fr_one``, ``en_one``.

    Raises:
        ValueError: a key stands in two files, or lacks a language; it names file and key.
    """
    texts: dict[str, dict[str, str]] = {}
    for path in sorted(CATALOGUE.glob("*.toml")):
        for key, forms in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if key in texts:
                raise ValueError(f"{path.name}: {key}: already in another file")
            if not isinstance(forms, dict) or not set(LANGUAGES) <= set(forms):
                raise ValueError(f"{path.name}: {key}: needs fr and en")
            texts[key] = {form: typographic(form[:2], text) for form, text in forms.items()}
    return texts


def t(lang: str, key: str, **values: object) -> str:
    """Return the sentence of ``key`` in ``lang`` with ``values`` filled in; integers are grouped.

    Raises:
        MissingText: no such key.
    """
    forms = catalogue().get(key)
    if forms is None:
        raise MissingText(key)
    lang = lang if lang in LANGUAGES else DEFAULT_LANGUAGE
    text = forms[lang]
    count = values.get("count")
    if isinstance(count, int) and f"{lang}_one" in forms and (count == 1 or (lang == "fr" and count == 0)):
        text = forms[f"{lang}_one"]
    if not values:
        return text
    return text.format(**{name: _worded(lang, value) for name, value in values.items()})


def word(lang: str, prefix: str, value: str) -> str:
    """Return the word of a value that another part of the fleet wrote down; the value itself if it is new.

    >>> word("en", "state", "DOWN"), word("en", "state", "NEWER")
    ('Down', 'NEWER')
    """
    key = f"{prefix}.{value}"
    return t(lang, key) if key in catalogue() else value


def _worded(lang: str, value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return formats.number(lang, value, 0 if isinstance(value, int) else 1)


def known(lang: str) -> str:
    """Return ``lang`` if we speak it, else French."""
    return lang if lang in LANGUAGES else DEFAULT_LANGUAGE
