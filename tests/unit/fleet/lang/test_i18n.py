import re
import string
from pathlib import Path

import pytest

from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.lang import i18n

WEB = Path(i18n.__file__).parent
LITERAL = re.compile(r"""(?<![\w.])t\(\s*(?:lang,\s*)?["']([a-z][\w.]*)["']\s*[,)]""")


def used_keys() -> set[tuple[str, str]]:
    files = [*WEB.rglob("*.html"), *WEB.rglob("*.py")]
    sources = (path for path in files if "node_modules" not in path.parts)
    return {(key, path.name) for path in sources for key in LITERAL.findall(path.read_text(encoding="utf-8"))}


def test_every_key_of_pages_and_modules_is_in_the_catalogue() -> None:
    assert {(key, file) for key, file in used_keys() if key not in i18n.catalogue()} == set()


def test_both_languages_take_the_same_values() -> None:
    def names(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    uneven = [
        key
        for key, forms in i18n.catalogue().items()
        if len({frozenset(names(forms[form])) for form in ("fr", "en")}) > 1
    ]
    assert uneven == []


def test_singular_stands_in_both_languages_or_in_none() -> None:
    assert [k for k, forms in i18n.catalogue().items() if ("fr_one" in forms) != ("en_one" in forms)] == []


@pytest.mark.parametrize("lang", i18n.LANGUAGES)
def test_every_state_has_its_word(lang: str) -> None:
    for state in GatewayState:
        assert i18n.t(lang, f"state.{state}")
    for commune_state in CommuneState:
        assert i18n.t(lang, f"commune.{commune_state}")
    for cause in Cause:
        assert i18n.t(lang, f"cause.{cause}")


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(i18n.MissingText):
        i18n.t("fr", "no.such.key")


def test_french_typography() -> None:
    set_text = i18n.typographic("fr", "Qui ? « Moi » : c'est l'astreinte ; 02:14 !")
    assert set_text == "Qui\u202f? «\u202fMoi\u202f»\u202f: c’est l’astreinte\u202f; 02:14\u202f!"


def test_english_keeps_its_spaces() -> None:
    assert i18n.typographic("en", "it's 02:14: who?") == "it’s 02:14: who?"


def test_an_unknown_language_is_french() -> None:
    assert i18n.t("de", "state.DOWN") == "Hors service"
    assert i18n.known("en") == "en"
    assert i18n.known("") == "fr"
