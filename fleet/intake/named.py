"""Which communes a text names, and how surely: a word of the language is no name, nor is a street; pure.

    « 37270 Montlouis-sur-Loire »            a postal address: the name beside its postcode
    « Mairie de Reugny »                     the town hall of it
    « à Reugny plus rien »                   a name
    « je sache », « chargé de mission »      words: a name that is also a word needs its capital, its accents
                                             and a preposition, or to stand alone
    « route de Tours », « Tours Métropole »  something called after it
    « Saint-Martin » in « Saint-Martin-le-Beau », « Mme Vouvray »   another name

Sources: INSEE, Code officiel géographique (names, articles); La Poste, norme AFNOR NF Z10-011 (the line with
the postcode); the lists of words are in ``names.toml``.
"""

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

SHORT_LIMIT_CHARACTERS: Final = 5
"""A shorter beginning of a name is too often a word."""


AROUND_LIMIT_CHARACTERS: Final = 8
"""Punctuation and spaces are looked for so far on both sides of a name."""


class Strength(StrEnum):
    """How a text names a commune."""

    POSTAL = "postal"
    TOWN_HALL = "town_hall"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Named:
    """A commune that a text names."""

    insee: str
    strength: Strength


@dataclass(frozen=True, slots=True)
class _Token:
    word: str
    written: str
    start: int
    end: int


_TOKEN = re.compile(r"[^\W_]+")
_POSTCODE = re.compile(r"(?:F-?)?\d{5}")
_ARTICLES: Final = {"le": ("le", "du", "au"), "la": ("la",), "les": ("les", "des", "aux"), "l": ("l",)}
_OF: Final = frozenset({"de", "du", "des", "d", "la", "le", "les", "l"})
_HALLS: Final = frozenset({"mairie", "maire", "commune", "ville", "village", "municipalite", "bourg"})
_AT: Final = frozenset({"a", "sur", "de", "d", "au", "aux", "du", "des"})
_LISTS: Final = tomllib.loads((Path(__file__).parent / "names.toml").read_text(encoding="utf-8"))
_BEFORE: Final = frozenset(_LISTS["before"].split())
"""« rue de Tours » is no Tours."""
_AFTER: Final = frozenset(_LISTS["after"].split())
_PERSONS: Final = frozenset(_LISTS["persons"].split())
"""Titles and frequent first names (INSEE, fichier des prénoms): what follows is a family's name."""
_TROUBLE: Final = frozenset(
    {"panne", "pannes", "alerte", "urgent", "urgence", "compteurs", "secteur", "incident"}
)
"""In capitals « PANNE MONNAIE » is a place; « PRISE EN CHARGE » is none."""
_LONGER: Final = frozenset({"le", "la", "les", "sur", "sous", "en"})
"""« Saint-Martin le Beau » is no Saint-Martin."""
WORDS_TOO: Final = frozenset(_LISTS["words_too"].split())
"""Names that are also words or families' names, without accents."""


def named_in(text: str, names: Mapping[str, str], *, title: bool = False) -> tuple[Named, ...]:
    """Return each mention of a commune (of ``names`` by INSEE) in a text; a title may end with one."""
    return tuple(_mentions(text, names, title=title))


@lru_cache(maxsize=4)
def _heads(names: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    heads: dict[str, str] = {}
    for insee, name in names:
        head = re.split(r"[\s-](?:sur|le|la|les|lès|en|sous|aux|de|du)[\s-]", name, flags=re.IGNORECASE)[0]
        if head != name and len(head) >= SHORT_LIMIT_CHARACTERS and plain(head) not in WORDS_TOO | {"sainte"}:
            heads[insee] = head
    whole = {plain(name) for _, name in names}
    taken = Counter(map(plain, heads.values()))
    return {
        insee: head for insee, head in heads.items() if taken[plain(head)] == 1 and plain(head) not in whole
    }


def named_shortly_in(text: str, names: Mapping[str, str]) -> tuple[Named, ...]:
    """Return the communes that a text calls by the beginning of their name."""
    return tuple(_mentions(text, shortened(names), title=True, short=True))


def shortened(names: Mapping[str, str]) -> Mapping[str, str]:
    """Return what people call communes with a long name, where that is one of them only.

    >>> shortened({"37156": "Montlouis-sur-Loire", "37015": "Azay-sur-Cher", "37014": "Azay-le-Rideau"})
    {'37156': 'Montlouis'}
    """
    return _heads(tuple(sorted(names.items())))


def plain(text: str) -> str:
    """Return a text without accents, case, hyphens and apostrophes.

    >>> plain("L'Île-Bouchard")
    'l ile bouchard'
    """
    simple = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe").replace("æ", "ae"))
    letters = (letter if letter.isalnum() else " " for letter in simple if not unicodedata.combining(letter))
    return " ".join("".join(letters).split())


_Index = Mapping[str, tuple[tuple[tuple[str, ...], str, str], ...]]


@lru_cache(maxsize=4)
def _index(names: tuple[tuple[str, str], ...]) -> _Index:
    """Return the ways to write each name by their first word, the longest first."""
    found: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    for insee, name in names:
        tokens = tuple(_expanded(plain(name)).split())
        for way in _ways(tokens):
            found.setdefault(way[0], []).append((way, insee, name))
    return {first: tuple(sorted(ways, key=lambda way: -len(way[0]))) for first, ways in found.items()}


def _ways(tokens: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    articles = _ARTICLES.get(tokens[0], ())
    if not articles or len(tokens) == 1:
        yield tokens
        return
    yield from ((article, *tokens[1:]) for article in articles)
    if len(tokens) > 2:
        yield tokens[1:]


def _expanded(word: str) -> str:
    return {"st": "saint", "ste": "sainte"}.get(word, word) if " " not in word else word


def _tokens(text: str) -> list[_Token]:
    text = re.sub(r"\bs/\s?", "sur ", text)
    return [
        _Token(_expanded(plain(match[0])), match[0], match.start(), match.end())
        for match in _TOKEN.finditer(text)
        if plain(match[0])
    ]


def _mentions(text: str, names: Mapping[str, str], *, title: bool, short: bool = False) -> Iterator[Named]:
    text = re.sub(r"(?i)\bs/\s?", "sur ", text)
    index, tokens, at = _index(tuple(sorted(names.items()))), _tokens(text), 0
    while at < len(tokens):
        for way, insee, name in index.get(tokens[at].word, ()):
            end = at + len(way)
            if tuple(token.word for token in tokens[at:end]) == way:
                strength = _Mention(text, tokens, at, end, name, short=short).strength(title=title)
                if strength is not None:
                    yield Named(insee, strength)
                at = end - 1
                break
        at += 1


class _Mention:
    """A name found in a text, with what stands around it."""

    def __init__(self, text: str, tokens: list[_Token], at: int, end: int, name: str, *, short: bool) -> None:
        self._short = short
        self._text, self._tokens, self._at, self._end, self._name = text, tokens, at, end, name
        self._first, self._last = tokens[at], tokens[end - 1]
        self._before = [token.word for token in self._line(tokens[max(0, at - 4) : at], self._first)]
        following = [
            token for token in tokens[end : end + 3] if "\n" not in text[self._last.end : token.start]
        ]
        self._after = following

    def _line(self, tokens: list[_Token], mention: _Token) -> list[_Token]:
        return [token for token in tokens if "\n" not in self._text[token.start : mention.start]]

    def strength(self, *, title: bool) -> Strength | None:
        """Return how surely it is the commune; None when it is not."""
        if self._inside_a_name() or self._another_thing():
            return None
        if self._postcode():
            return Strength.POSTAL
        essential = [word for word in self._before if word not in _OF]
        contracted = self._before[-1:] != [] and self._before[-1] in _OF | _HALLS
        if essential[-1:] and essential[-1] in _HALLS and (contracted or self._first.word in _OF):
            return Strength.TOWN_HALL
        if len([token for token in self._tokens[self._at : self._end] if token.word not in _OF]) == 1:
            return Strength.NAME if self._is_no_word() or (title and self._ends_it()) else None
        return Strength.NAME

    def _inside_a_name(self) -> bool:
        """Return whether hyphens or connecting words make it a part of a longer name."""
        around = self._text[max(0, self._first.start - 2) : self._first.start]
        behind = self._text[self._last.end : self._last.end + 2]
        joined = re.fullmatch(r"\w-", around) or re.match(r"-\w", behind)
        les = self._before[-1:] == ["les"] and self._first.word not in _OF
        longer = (
            len(self._after) > 1
            and self._after[0].word in _LONGER
            and (self._after[0].written.islower() or self._last.written.isupper())
            and self._text[self._last.end : self._after[1].start].count(" ") == 2
            and self._after[1].written[0].isupper()
            and self._after[1].word not in _HALLS
            and self._after[0].written.isupper() == (self._last.written.isupper())
            and (self._first.word in ("saint", "sainte") or self._short)
        )
        return bool(joined) or les or longer

    def _another_thing(self) -> bool:
        essential = [word for word in self._before if word not in _OF]
        after = self._after[0].word if self._after else ""
        person = bool(self._before) and self._before[-1] in _PERSONS and self._first.word != "saint"
        street = bool(essential) and essential[-1] in _BEFORE and self._before[-1] != "a"
        return person or street or after in _AFTER

    def _postcode(self) -> bool:
        """Return whether a postcode stands before it, or behind it in brackets."""
        before = self._tokens[self._at - 1].written if self._before else ""
        behind = self._after[0].written if self._after else ""
        return bool(_POSTCODE.fullmatch(before) or _POSTCODE.fullmatch(behind))

    def _is_no_word(self) -> bool:
        words = [token.word for token in self._tokens[self._at : self._end]]
        bare = words[-1]
        if bare not in WORDS_TOO and len(bare) > 3:
            return True
        written = " ".join(token.written for token in self._tokens[self._at : self._end])
        name_end = re.split(r"[\s'’-]", self._name)[-1]
        exact = self._last.written == name_end
        capitals = written.isupper()
        if self._alone():
            return exact or capitals
        at = self._before[-1:] and self._before[-1] in _AT
        return bool(exact and (at or self._first.word in _OF))

    def _ends_it(self) -> bool:
        """Return whether it ends a title behind a word that asks for no noun: « Panne Monnaie »."""
        free = self._before[-1:] and self._before[-1] not in _OF | {
            "en",
            "un",
            "une",
            "a",
            "au",
            "aux",
            "par",
        }
        shouted = self._last.written.isupper() and self._before[-1:] != [] and self._before[-1] in _TROUBLE
        capital = shouted or self._last.written == re.split(r"[\s'’-]", self._name)[-1]
        return bool(free and capital and not self._after)

    def _alone(self) -> bool:
        """Return whether punctuation or the ends of the line stand on both sides."""
        at = max(0, self._first.start - AROUND_LIMIT_CHARACTERS)
        before = ("x" if at else "") + self._text[at : self._first.start]
        behind = self._text[self._last.end : self._last.end + AROUND_LIMIT_CHARACTERS]
        return bool(re.search(r"(?:^|[\n:;,(\[/|–—]|\s-)\s*$", before)) and bool(
            re.match(r"\s*(?:$|[\n:;,.)!?\]/|–—]|-\s)", behind)
        )
