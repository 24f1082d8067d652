"""What one version of a month changed of the one before, in words; pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fleet.web.rendering import Words

CHANGED_LIMIT: Final = 20
"""Communes and gateways that are listed; the figures to download hold them all."""
FACTS_LIMIT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One figure before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One version beside the one before; ``since`` None for the first."""

    since: int | None
    changed: tuple[Changed, ...]
    unlisted: int
    facts_added: int
    facts: tuple[str, ...]


def revision_of(words: Words, difference: Mapping[str, Any], names: Mapping[str, str]) -> Revision:
    """Return what changed; ``names`` has communes by INSEE code and gateways by EUI."""
    if not difference:
        return Revision(since=None, changed=(), unlisted=0, facts_added=0, facts=())
    places = [*difference["communes"], *difference["gateways"]]
    rows = [(words.t("month.revision.whole"), difference["whole"])]
    rows += [(_name(one, names), one) for one in places]
    changed = [
        Changed(name=name, before=_percent(words, told["before"]), after=_percent(words, told["after"]))
        for name, one in rows
        if (told := one.get("availability_percent"))
    ]
    return Revision(
        since=difference["since_version"],
        changed=tuple(changed[:CHANGED_LIMIT]),
        unlisted=max(0, len(changed) - CHANGED_LIMIT),
        facts_added=difference["facts_added"],
        facts=tuple(json.dumps(one, ensure_ascii=False) for one in difference["facts"][:FACTS_LIMIT]),
    )


def _name(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    key = str(one.get("insee") or one.get("eui") or "")
    return names.get(key, key)


def _percent(words: Words, value: object) -> str:
    """Return a percentage as the version holds it, already truncated, to the last digit."""
    if value is None:
        return "—"
    text = str(value)
    return f"{text.replace('.', ',')}\u202f%" if words.lang == "fr" else f"{text}\u202f%"
