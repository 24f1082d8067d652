"""What other parts wrote down in English (gateways, refusals, the audit trail), in the person's language.

What has no translation passes through as it came; pages mark it as English (``components/said.html``).
"""

import re
from typing import Final

from fleet.identity import audit
from fleet.lang.i18n import t

_WRITTEN_BY: Final = {audit.SYSTEM: "who.system", audit.COMMAND_LINE: "who.command_line"}
_GATEWAY: Final = "gateway "

_REFUSALS: Final = tuple(
    (re.compile(pattern), key)
    for pattern, key in (
        (r"photo: \d+ bytes; at most \d+", "refusal.photo.size"),
        (r"photo: neither JPEG nor PNG.*", "refusal.photo.kind"),
        (r"photo: damaged .*", "refusal.photo.damaged"),
        (r"photo: this ticket has (?P<limit>\d+) photos.*", "refusal.photo.limit"),
        (r"(?:name: )?1 to (?P<limit>\d+) characters", "refusal.name"),
        (r"role: .* is not one of .*", "refusal.role"),
        (r"password: at least (?P<limit>\d+) characters", "refusal.password"),
        (r"in the future; .*", "refusal.future"),
        (r"more than (?P<limit>\d+) days ago; .*", "refusal.past"),
        (r"empty; write what the caller sees.*", "refusal.text"),
        (r".*: no such setting \(.*\)", "refusal.setting"),
        (r".*: is a group of settings.*", "refusal.group"),
        (r"Expected `(?:int|float)` (?P<rule>[<>]=?) (?P<limit>-?[\d.]+).*", "refusal.number"),
        (r"Expected `(?:int|float).*`, got .*", "refusal.no_number"),
        (r"Expected `bool.*`, got .*", "refusal.bool"),
        (r"Expected `str` of length (?P<rule>[<>]=?) (?P<limit>\d+).*", "refusal.length"),
        (r"Expected `str` matching .*", "refusal.form"),
        (r"Invalid enum value .*", "refusal.choice"),
        (r"is empty", "refusal.empty"),
        (r".*\bis there (?:twice|already).*|.*\btwice\b.*", "refusal.twice"),
        (r"(?:'.*' )?is not a number.*|.*not a number.*", "refusal.no_number"),
        (r"(?:'.*' )?is no EUI.*|.*\b16 hex.*", "refusal.eui"),
    )
)
_RULES: Final = {"<=": "≤", ">=": "≥", "<": "<", ">": ">"}


def refusal(lang: str, text: str) -> str:
    """Return why something typed was refused, with the rule.

    >>> refusal("en", "password: at least 12 characters")
    'Password: at least 12 characters.'
    """
    for pattern, key in _REFUSALS:
        found = pattern.fullmatch(text)
        if found is not None:
            values = {name: _RULES.get(value, value) for name, value in found.groupdict().items()}
            return t(lang, key, **values)
    return text


def who(lang: str, written: str) -> str:
    """Return who did it: people by name, what is not a person by a word of the catalogue."""
    if written in _WRITTEN_BY:
        return t(lang, _WRITTEN_BY[written])
    if written.startswith(_GATEWAY):
        return t(lang, "who.gateway", eui=written.removeprefix(_GATEWAY))
    return written
