"""Which gateways were changed together a moment ago: a configuration wave may be what they died of.

A version number belongs to one gateway and says nothing about another's.  What they share is the act: the
same person, the same reason, within minutes.  ``waves`` is pure.

Sources: DESIGN §7 (rollout wave as a common cause), §4 (a configuration is tried when it arrives).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from fleet.configurations.store import issued_since
from fleet.durations import MINUTE_US
from fleet.lang.format import clock
from fleet.live.model import NetworkNow

RECENT_US = 60 * MINUTE_US
"""How long after a change a loss may be its fault: trial, confirmation or roll-back are over by then."""

ONE_ACT_US = 5 * MINUTE_US
"""Between two versions of one wave: they are signed and sent one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One version that was issued."""

    eui: str
    issued_us: int
    by: str
    reason: str


def waves(changes: Iterable[Change]) -> dict[str, str]:
    """Return the name of the wave of each gateway; a gateway changed twice belongs to the later one."""
    found: dict[str, str] = {}
    last: dict[tuple[str, str], tuple[int, str]] = {}
    for change in sorted(changes, key=lambda change: change.issued_us):
        act = (change.by, change.reason)
        before_us, name = last.get(act, (0, ""))
        if not name or change.issued_us - before_us > ONE_ACT_US:
            name = f"« {change.reason or change.by} », {clock('fr', change.issued_us)}"
        last[act] = (change.issued_us, name)
        found[change.eui] = name
    return found


def recent(connection: Connection, now_us: int) -> Mapping[str, str]:
    """Return the wave of each gateway that was changed a moment ago."""
    return waves(
        Change(eui=row["eui"], issued_us=row["issued_at_us"], by=row["issued_by"], reason=row["reason"])
        for row in issued_since(connection, now_us - RECENT_US)
    )


def with_waves(network: NetworkNow, found: Mapping[str, str]) -> NetworkNow:
    """Return the network whose gateways know their wave."""
    if not found:
        return network
    marked = {
        eui: replace(network.gateways[eui], wave=name)
        for eui, name in found.items()
        if eui in network.gateways
    }
    return replace(network, gateways=network.gateways | marked)
