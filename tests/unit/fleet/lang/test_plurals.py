"""A number and its noun agree, in both languages and whatever the number."""

import re

import pytest

from fleet.lang.i18n import catalogue, t

PLURAL = {
    "fr": re.compile(r"\{count\}[ \u202f](?!sur\b)(?:\w+s|\w+ \w+s)\b|\bet \{count\} autres\b"),
    "en": re.compile(r"\{count\} (?!of\b)(?:more )?\w+s\b"),
}
INVARIANT = {"statistics.running", "demo.progress"}
"""« en cours » is the same for one and many; a replay has many frames."""


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_is_counted_has_a_singular(lang: str) -> None:
    without = [
        key
        for key, forms in catalogue().items()
        if PLURAL[lang].search(forms[lang]) and f"{lang}_one" not in forms and key not in INVARIANT
    ]
    assert without == []


def test_the_singular_is_used() -> None:
    assert t("fr", "verdict.and_more", names="Bléré", count=1) == "Bléré et 1 autre"
    assert t("fr", "verdict.and_more", names="Bléré", count=2) == "Bléré et 2 autres"
    assert t("fr", "message.cause.network", count=1) == "1 passerelle du réseau."
