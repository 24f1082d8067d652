"""The network at one instant, from the registry and the memory of facts; pure.

A cycle costs what changed: gateways of which something arrived or whose time ran out, communes with a member
that was computed anew, whose budget shrinks or that works exclude.  Everything is computed anew when the
registry, our own sight, the month or a membership changes.  ``seen`` gives the network and the view that the
next cycle starts from; whoever drops them, because a transaction failed, still has the view of before.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from fleet.availability.communes import members_of
from fleet.facts.model import Blindness, Membership
from fleet.facts.months import month_of
from fleet.facts.settings import ContractSettings
from fleet.facts.states import Cause
from fleet.live.communes import Reckoned, commune_now, reckoned_commune
from fleet.live.gateways import Entry, refreshed
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


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The memberships of one registry, by commune and by gateway."""

    members: Mapping[str, tuple[Membership, ...]] = field(default_factory=dict)
    communes_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: tuple[int, ...] = ()
    """Instants at which a membership begins or ends."""


def coverage_of(registry: Registry) -> Coverage:
    """Return the memberships of a registry."""
    members = members_of(registry.memberships)
    communes_of: dict[str, list[str]] = {}
    for insee, rows in members.items():
        for row in rows:
            communes_of.setdefault(row.eui, []).append(insee)
    edges = {edge for row in registry.memberships for edge in (row.valid_from_us, row.valid_to_us)}
    return Coverage(
        members=members,
        communes_of={eui: tuple(insees) for eui, insees in communes_of.items()},
        edges=tuple(sorted(edge for edge in edges if edge is not None)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class NetworkView:
    """What was computed for one cycle, for the next to go on from."""

    settings: ContractSettings
    entries: Mapping[str, Entry] = field(default_factory=dict)
    reckoned: Mapping[str, Reckoned] = field(default_factory=dict)
    network: NetworkNow | None = None
    """What that cycle showed; None: there was none."""
    ground: Ground | None = None
    coverage: Coverage = field(default_factory=Coverage)

    def seen(
        self,
        registry: Registry,
        memory: Memory,
        sight: tuple[Blindness, ...],
        *,
        blind_reason: str,
        now_us: int,
    ) -> "tuple[NetworkView, NetworkNow]":
        """Return the network; ``sight`` is our own blindness, ``blind_reason`` is empty while we see."""
        known = None if self.ground is None else self.ground.registry
        coverage = self.coverage if registry is known else coverage_of(registry)
        ground = Ground(registry, sight, month_of(now_us), bisect_right(coverage.edges, now_us))
        entries, changed = self._refreshed(ground, memory, now_us)
        view = replace(self, entries=entries, ground=ground, coverage=coverage)
        reckoned, communes = self._communes(view, ground, changed, now_us)
        gateways = {eui: entries[eui].now for eui in registry.gateways}
        before = self.network
        network = NetworkNow(
            at_us=now_us,
            gateways=gateways,
            communes=communes,
            blind=bool(blind_reason),
            blind_reason=blind_reason,
            changed_gateways=None if before is None else _changed(before.gateways, gateways),
            changed_communes=None if before is None else _changed(before.communes, communes),
        )
        return replace(view, reckoned=reckoned, network=network), network

    def cause_of(self, eui: str, began_us: int) -> Cause:
        """Return why a gateway was lost at an instant, as far as it is known by now."""
        entry = self.entries.get(eui)
        return Cause.NONE if entry is None else entry.known.cause_at(began_us)

    def _refreshed(
        self, ground: Ground, memory: Memory, now_us: int
    ) -> tuple[dict[str, Entry], Iterable[str]]:
        """Return the gateways at ``now_us``, and those that were computed anew."""
        anew = not ground.same(self.ground)
        entries, changed = dict(self.entries), []
        for eui, gateway in ground.registry.gateways.items():
            known, entry = memory.of(eui), self.entries.get(eui)
            if entry is not None and not anew and entry.is_current(known, now_us):
                continue
            entries[eui] = refreshed(entry, gateway, known, ground.sight, self.settings, now_us=now_us)
            if entry is None or entries[eui].known is not entry.known:
                changed.append(eui)
        return entries, changed

    def _communes(
        self, view: "NetworkView", ground: Ground, changed: Iterable[str], now_us: int
    ) -> tuple[dict[str, Reckoned], dict[str, CommuneNow]]:
        """Return the communes as they were computed, and as they are at ``now_us``."""
        registry, anew = ground.registry, not ground.same(self.ground)
        touched = {insee for eui in changed for insee in view.coverage.communes_of.get(eui, ())}
        shown = {} if self.network is None else self.network.communes
        reckoned: dict[str, Reckoned] = {}
        communes: dict[str, CommuneNow] = {}
        for insee, commune in registry.communes.items():
            known = self.reckoned.get(insee)
            if known is None or anew or insee in touched or known.is_capped:
                members = view.coverage.members.get(insee, ())
                known = reckoned_commune(insee, members, view.entries, self.settings, now_us)
            elif known.is_steady:
                reckoned[insee], communes[insee] = known, shown[insee]
                continue
            reckoned[insee] = known
            communes[insee] = commune_now(known, commune, self.settings, now_us)
        return reckoned, communes


def _changed(before: Mapping[str, _Stated], after: Mapping[str, _Stated]) -> frozenset[str]:
    return frozenset(
        name
        for name, one in after.items()
        if (known := before.get(name)) is not one and (known is None or known.state is not one.state)
    )
