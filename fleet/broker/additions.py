"""The broker's files written anew, without losing what an administrator added to them; pure.

    rights         our part stands between two marks; everything else is the administrator's
    configuration  a line that is there stays; what is missing comes where it belongs; what followed a setting
                   follows it further

A file of rights from before there were marks: lines that we wrote are known by their form, the others stay,
under the user whom they were for.

Sources: mosquitto.conf(5), "Authentication" (``topic`` lines belong to the ``user`` above them, ``pattern``
lines to everybody, a user may come twice; options of a listener belong to the listener above them).
"""

import re
from collections.abc import Iterable, Iterator

from agent.wire.topics import PREFIX
from fleet.broker.mosquitto import FLEET_NAME

BEGIN = "# Begin of Passerelle: up to the end mark everything is written anew."
END = "# End of Passerelle: write yours below, it is kept."
_EUI = re.compile("[0-9a-f]{16}")
_OUR_LINES = frozenset({f"user {FLEET_NAME}", f"topic readwrite {PREFIX}/#", "topic read $SYS/#"})
_OUR_BEGINNINGS = (
    "# Written by `passerelle fleet`",
    f"pattern read {PREFIX}/%u/",
    f"pattern write {PREFIX}/%u/",
)


def _is_ours(line: str) -> bool:
    return line in _OUR_LINES or line.startswith(_OUR_BEGINNINGS) or _is_about_a_gateway(line)


def _is_about_a_gateway(line: str) -> bool:
    """Return whether a line begins what a revoked gateway may not, or is it."""
    name = line.removeprefix("user ").removeprefix(f"topic deny {PREFIX}/").removesuffix("/#")
    return name != line and _EUI.fullmatch(name) is not None


def renewed_rights(existing: str, ours: str) -> str:
    """Return the file of rights with our part as it must be and the administrator's lines as they were."""
    before, begun, rest = existing.partition(f"{BEGIN}\n")
    inside, ended, after = rest.partition(f"{END}\n")
    if not begun:
        before, after = "", "".join(f"{line}\n" for line in _foreign(existing.splitlines()))
    elif not ended:
        after = "".join(f"{line}\n" for line in _foreign(inside.splitlines()))
    return f"{before}{BEGIN}\n{ours.rstrip()}\n{END}\n{after}"


def _foreign(lines: Iterable[str]) -> Iterator[str]:
    """Yield what we did not write; a line for one of our users with that user above it."""
    user, ours = "", False
    for raw in lines:
        line = raw.strip()
        if line.startswith("user "):
            user, ours = line, _is_ours(line)
        if not line or _is_ours(line):
            continue
        if ours and line.startswith("topic "):
            yield user
            ours = False
        yield raw


def renewed_configuration(existing: str, before: str, wanted: str) -> str:
    """Return mosquitto.conf brought up to date.

    Args:
        existing: the file as it is.
        before: what we would have written for the settings that it was made from.
        wanted: what we would write today.
    """
    was = {_key(line): line for line in before.splitlines()}
    lines = existing.splitlines()
    position = 0
    for line in wanted.splitlines():
        old = was.get(_key(line), line)
        if line not in before.splitlines() and old in lines:
            lines[lines.index(old)] = line
        present = [index for index, each in enumerate(lines) if _sets(each, line, old)]
        if present:
            position = present[0] + 1
        else:
            lines.insert(position, line)
            position += 1
    return "\n".join(lines) + "\n"


def _sets(present: str, line: str, old: str) -> bool:
    """Return whether a line sets what ours sets; one of ours that was commented out is a decision too."""
    return _key(present) == _key(line) or present.lstrip("# ") in (line, old)


def _key(line: str) -> str:
    return line.partition(" ")[0] if not line.startswith("#") else line
