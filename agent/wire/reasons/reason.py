"""A reason as a value, and the closed table of its codes with one sentence in French and one in English.

    @code("la version {version} est périmée", "version {version} has expired")
    def expired(*, version: int) -> None: ...

declares ``envelope.expired`` in the file ``envelope.py``; ``reasons.envelope.expired(version=3)`` makes the
value, and types are checked where it is made.  ``text`` is for the edges: inside, a reason is no sentence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeAlias, get_type_hints

import msgspec

from agent.wire.reasons.vocabulary import WORDS

VALUE_LIMIT_CHARACTERS = 200
"""Characters of one text value; what is beyond is cut."""
CAUSES_LIMIT = 16
"""Reasons inside one value; further ones are left out."""
DEPTH_LIMIT = 6
"""Reasons within reasons that are put into words; what lies deeper reads as an ellipsis."""
ELLIPSIS = "…"
UNKNOWN_VALUE = "?"
"""Stands for a value that an older gateway does not send."""

Value: TypeAlias = "str | int | float | tuple[Reason, ...]"
P = ParamSpec("P")


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """``(code, values)``: a code of the table, and its values by name."""

    code: str
    values: dict[str, Value] = {}

    def __hash__(self) -> int:
        return hash(self.code)

    def __str__(self) -> str:
        """The English sentence, for logs and for developers."""
        return text(self, "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one code means; ``values`` holds the type of each named value."""

    french: str
    english: str
    values: Mapping[str, type]


TABLE: dict[str, Entry] = {}
"""Every code; complete once ``agent.wire.reasons`` is imported, and never changed afterwards."""


def code(french: str, english: str) -> Callable[[Callable[P, None]], Callable[P, Reason]]:
    """Put a code into the table; its name is the file's and the function's, its values are the parameters."""

    def declare(signature: Callable[P, None]) -> Callable[P, Reason]:
        name = f"{signature.__module__.rpartition('.')[2]}.{signature.__name__}"
        kinds = {key: kind for key, kind in get_type_hints(signature).items() if key != "return"}
        TABLE[name] = Entry(french=french, english=english, values=kinds)

        @wraps(signature)
        def make(*_: P.args, **values: P.kwargs) -> Reason:
            return Reason(name, {key: _bounded(value) for key, value in values.items()})

        return make

    return declare


class ReasonedError(Exception):
    """An error that carries its reason; as text it is the English sentence."""

    def __init__(self, why: Reason) -> None:
        super().__init__(str(why))
        self.why = why


def text(reason: Reason, lang: str, *, depth: int = 0) -> str:
    """Return the sentence in ``fr`` or ``en``; a code that only a newer gateway knows is shown as it is.

    >>> text(Reason("envelope.expired", {"version": 3}), "fr")
    'la version 3 est périmée'
    >>> text(Reason("future.code", {"delay_s": 4}), "fr")
    'future.code (delay_s=4)'
    """
    if depth >= DEPTH_LIMIT:
        return ELLIPSIS
    shown = _Shown({key: _show(key, value, lang, depth) for key, value in reason.values.items()})
    entry = TABLE.get(reason.code)
    if entry is None:
        values = ", ".join(f"{key}={value}" for key, value in shown.items())
        return f"{reason.code} ({values})" if values else reason.code
    return (entry.french if lang == "fr" else entry.english).format_map(shown)


class _Shown(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return UNKNOWN_VALUE


def _show(key: str, value: Value, lang: str, depth: int) -> str:
    if isinstance(value, tuple):
        sentences = [text(one, lang, depth=depth + 1) for one in value]
        return ("\u202f; " if lang == "fr" else "; ").join(sentences)
    words = WORDS.get(key, {}).get(str(value))
    if words is not None:
        return words[0] if lang == "fr" else words[1]
    return str(value).replace(".", ",") if isinstance(value, float) and lang == "fr" else str(value)


def _bounded(value: object) -> Value:
    match value:
        case str():
            return value[:VALUE_LIMIT_CHARACTERS]
        case int() | float():
            return value
        case Reason():
            return (value,)
        case tuple():
            return value[:CAUSES_LIMIT]
        case _:
            return str(value)[:VALUE_LIMIT_CHARACTERS]


def written(reason: Reason) -> str:
    """Return a reason as one line of JSON, for a column or field that holds text.

    >>> written(Reason("lns.answers"))
    '["lns.answers",{}]'
    """
    return msgspec.json.encode(_pruned(reason, 0)).decode()


def _pruned(reason: Reason, depth: int) -> Reason:
    """What came over the wire may be nested as deep as the decoder allows; what is kept may not."""
    if depth >= DEPTH_LIMIT:
        return Reason(ELLIPSIS)
    values: dict[str, Value] = {
        key: tuple(_pruned(one, depth + 1) for one in value) if isinstance(value, tuple) else value
        for key, value in reason.values.items()
    }
    return Reason(reason.code, values)


def read(line: str) -> Reason | None:
    """Return the reason that ``written`` made, or None for a sentence of an older gateway.

    >>> read('["lns.answers",{}]')
    Reason(code='lns.answers', values={})
    >>> read("no answer") is None
    True
    """
    if not line.startswith('["'):
        return None
    try:
        return msgspec.json.decode(line, type=Reason)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        return None
