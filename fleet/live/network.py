"""The network at one instant, from the registry and the memory of facts.

A cycle costs what changed: gateways of which something was heard or whose time ran out, communes with a
member that was computed anew or whose budget shrinks.  Everything is computed anew when the registry, our own
sight, the month or a membership changes.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from fleet.availability.communes import members_of
from fleet.facts.model import Blindness, Membership
from fleet.facts.months import month_of
from fleet.facts.settings import ContractSettings
from fleet.live.communes import CommuneView
from fleet.live.gateways import GatewayView
from fleet.live.memory import Memory
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.registry.store import Registry

_Stated = TypeVar("_Stated", GatewayNow, CommuneNow)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """What everything stands on; when it changes, all is computed anew."""

    registry: Registry
    sight: tuple[Blindness, ...]
    month: str
    epoch: int
    """How many edges of memberships have passed."""

    def same(self, other: "Ground | None") -> bool:
        """Return whether the other is the very same."""
        return (
            other is not None
            and self.registry is other.registry
            and self.sight is other.sight
            and (self.month, self.epoch) == (other.month, other.epoch)
        )


@dataclass(slots=True)
class NetworkView:
    """Computes ``NetworkNow`` cycle by cycle."""

    gateways: GatewayView
    communes: CommuneView
    _ground: Ground | None = None
    _registry: Registry | None = None
    _members: dict[str, tuple[Membership, ...]] = field(default_factory=dict)
    _communes_of: dict[str, list[str]] = field(default_factory=dict)
    _edges: list[int] = field(default_factory=list)
    _now: dict[str, CommuneNow] = field(default_factory=dict)
    _settled: NetworkNow | None = None

    @classmethod
    def empty(cls, settings: ContractSettings) -> "NetworkView":
        """Return a view that has seen nothing."""
        return cls(GatewayView(settings), CommuneView(settings))

    def at(
        self,
        registry: Registry,
        memory: Memory,
        sight: tuple[Blindness, ...],
        *,
        blind_reason: str,
        now_us: int,
    ) -> NetworkNow:
        """Return the network; ``sight`` is our own blindness, ``blind_reason`` is empty while we see."""
        if registry is not self._registry:
            self._learn(registry)
        ground = Ground(registry, sight, month_of(now_us), bisect_right(self._edges, now_us))
        anew = not ground.same(self._ground)
        self._ground = ground
        changed = self._refresh(ground, memory, now_us, all_=anew)
        self._reckon(ground, changed, now_us, all_=anew)
        entries = self.gateways.entries
        gateways = {eui: entries[eui].now for eui in registry.gateways}
        before = self._settled
        return NetworkNow(
            at_us=now_us,
            gateways=gateways,
            communes=dict(self._now),
            blind=bool(blind_reason),
            blind_reason=blind_reason,
            changed_gateways=None if before is None else _changed(before.gateways, gateways),
            changed_communes=None if before is None else _changed(before.communes, self._now),
        )

    def settle(self, network: NetworkNow) -> None:
        """Take a network as committed: what changes is counted from it."""
        self._settled = network

    def _learn(self, registry: Registry) -> None:
        self._registry = registry
        self._members = members_of(registry.memberships)
        self._communes_of = {}
        for insee, rows in self._members.items():
            for row in rows:
                self._communes_of.setdefault(row.eui, []).append(insee)
        edges = {edge for row in registry.memberships for edge in (row.valid_from_us, row.valid_to_us)}
        self._edges = sorted(edge for edge in edges if edge is not None)
        self._now = {insee: now for insee, now in self._now.items() if insee in registry.communes}
        self.communes.charging &= registry.communes.keys()

    def _refresh(self, ground: Ground, memory: Memory, now_us: int, *, all_: bool) -> list[str]:
        """Bring the gateways to ``now_us``; return those that were computed anew."""
        changed = []
        entries = self.gateways.entries
        for eui, gateway in ground.registry.gateways.items():
            one = memory.of(eui)
            entry = entries.get(eui)
            quiet = entry is not None and entry.stamp == one.stamp and now_us < entry.good_until_us
            if (all_ or not quiet) and self.gateways.refresh(gateway, one, ground.sight, now_us):
                changed.append(eui)
        return changed

    def _reckon(self, ground: Ground, changed: list[str], now_us: int, *, all_: bool) -> None:
        known = ground.registry.communes
        touched = {insee for eui in changed for insee in self._communes_of.get(eui, ()) if insee in known}
        for insee, commune in known.items():
            if all_ or insee in touched:
                members = self._members.get(insee, ())
                self._now[insee] = self.communes.reckon(commune, members, self.gateways.entries, now_us)
            elif insee in self.communes.charging:
                self._now[insee] = self.communes.carry_on(commune, now_us)


def _changed(before: Mapping[str, _Stated], after: Mapping[str, _Stated]) -> frozenset[str]:
    return frozenset(
        name
        for name, one in after.items()
        if (known := before.get(name)) is not one and (known is None or known.state is not one.state)
    )
