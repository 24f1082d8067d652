"""The network at one instant from the registry and the memory of facts; pure but for the memory's caches.

A gateway whose newest run only grew has the state that it had: it is not computed again (``Known``).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from fleet.availability.facts import Blindness
from fleet.availability.months import Window
from fleet.availability.settings import ContractSettings
from fleet.availability.states import CommuneState, GatewayState
from fleet.availability.timeline import Span, paint
from fleet.live.memory import GatewayMemory, Memory
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.registry.store import Commune, Gateway, Registry

RECOMPUTE_US = 5_000_000
"""How long a state other than SERVING stands without new facts: maintenance windows begin and end by time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The state of one gateway as computed, and the instants until which it may stand."""

    version: int
    blind_version: int
    good_until_us: int
    span: Span
    not_serving_since_us: int | None


@dataclass(slots=True)
class NetworkView:
    """Computes ``NetworkNow`` cycle by cycle."""

    settings: ContractSettings
    _known: dict[str, Known]
    _communes: dict[str, CommuneNow]

    @classmethod
    def empty(cls, settings: ContractSettings) -> "NetworkView":
        """Return a view that has seen nothing."""
        return cls(settings, {}, {})

    def at(
        self,
        registry: Registry,
        memory: Memory,
        blindness: tuple[Blindness, ...],
        *,
        blind_reason: str,
        now_us: int,
    ) -> NetworkNow:
        """Return the network at ``now_us``; ``blind_reason`` is empty while we see."""
        gateways = {
            eui: self._gateway(gateway, memory.of(eui), blindness, now_us)
            for eui, gateway in registry.gateways.items()
        }
        members = _members(registry, now_us)
        communes = {
            insee: self._commune(commune, members.get(insee, ()), gateways, now_us)
            for insee, commune in registry.communes.items()
        }
        self._communes = communes
        return NetworkNow(
            at_us=now_us,
            gateways=gateways,
            communes=communes,
            blind=bool(blind_reason),
            blind_reason=blind_reason,
        )

    def _gateway(
        self, gateway: Gateway, memory: GatewayMemory, blindness: tuple[Blindness, ...], now_us: int
    ) -> GatewayNow:
        known = self._known.get(gateway.eui)
        if known is None or not self._stands(known, memory, len(blindness), now_us):
            known = self._compute(memory, blindness, now_us)
            self._known[gateway.eui] = known
        span = known.span
        return GatewayNow(
            eui=gateway.eui,
            name=gateway.name,
            site_id=gateway.site_id,
            commune_insee=gateway.commune_insee,
            state=span.state,
            since_us=span.start_us,
            proved=span.proved,
            suspect=is_suspect(memory, span.state),
            cause=span.cause,
            reason=span.reason,
            last_word_us=memory.heartbeat_at_us,
            backhaul_operator=gateway.backhaul_operator,
            power_feeder=gateway.power_feeder,
            config_version=None if memory.heartbeat is None else memory.heartbeat.config_version,
        )

    def _stands(self, known: Known, memory: GatewayMemory, blind_version: int, now_us: int) -> bool:
        """Return whether nothing happened that could have changed the state."""
        if known.version != memory.version or known.blind_version != blind_version:
            return False
        if known.span.state is GatewayState.SERVING and memory.newest_run is not None:
            return now_us < memory.newest_run.last_at_us + self.settings.silence_confirmed_us
        return now_us < known.good_until_us

    def _compute(self, memory: GatewayMemory, blindness: tuple[Blindness, ...], now_us: int) -> Known:
        told = memory.history(self.settings)
        window = Window(0, now_us)
        line = paint(memory.facts(), told, blindness, window, self.settings, now_us=now_us)
        spans = line.spans
        last = spans[-1] if spans else Span(0, now_us, GatewayState.OUT)
        not_serving_since_us: int | None = None
        same = True
        for span in reversed(spans):
            same = same and span.state is last.state
            if same:
                last = replace(last, start_us=span.start_us)
            if span.state in (GatewayState.SERVING, GatewayState.OUT):
                break
            not_serving_since_us = span.start_us
        return Known(
            version=memory.version,
            blind_version=len(blindness),
            good_until_us=now_us + RECOMPUTE_US,
            span=last,
            not_serving_since_us=not_serving_since_us,
        )

    def _commune(
        self, commune: Commune, euis: Iterable[str], gateways: Mapping[str, GatewayNow], now_us: int
    ) -> CommuneNow:
        members = [gateways[eui] for eui in euis if gateways[eui].state is not GatewayState.OUT]
        state = commune_state([member.state for member in members])
        before = self._communes.get(commune.insee)
        if before is not None and before.state is state:
            since_us = before.since_us
        else:
            since_us = self._since(members, state, now_us)
        return CommuneNow(
            insee=commune.insee,
            name=commune.name,
            epci=commune.epci,
            population=commune.population,
            state=state,
            since_us=since_us,
            members=tuple(member.eui for member in members),
            serving=tuple(member.eui for member in members if member.state is GatewayState.SERVING),
        )

    def _since(self, members: list[GatewayNow], state: CommuneState, now_us: int) -> int:
        """Return since when: a loss began when the last member stopped serving."""
        if state is CommuneState.NOT_COVERED or not members:
            return now_us
        if state is CommuneState.SERVED:
            return min(one.since_us for one in members if one.state is GatewayState.SERVING)
        ends = [self._known[one.eui].not_serving_since_us for one in members]
        return max((end for end in ends if end is not None), default=now_us)


def commune_state(states: Iterable[GatewayState]) -> CommuneState:
    """Return what a commune is while its members are ``states`` (AVAILABILITY §3).

    >>> commune_state([GatewayState.DOWN, GatewayState.SERVING])
    <CommuneState.SERVED: 'SERVED'>
    """
    present = set(states) - {GatewayState.OUT}
    if not present:
        return CommuneState.NOT_COVERED
    if GatewayState.SERVING in present:
        return CommuneState.SERVED
    if GatewayState.UNKNOWN in present:
        return CommuneState.UNKNOWN
    if GatewayState.MAINTENANCE in present:
        return CommuneState.EXCLUDED
    return CommuneState.LOST


def is_suspect(memory: GatewayMemory, state: GatewayState) -> bool:
    """Return whether the broker saw this boot's socket close after its last heartbeat."""
    presence, run = memory.presence, memory.newest_run
    if presence is None or presence.online or state in (GatewayState.OUT, GatewayState.DOWN):
        return False
    if run is not None and presence.boot != run.boot:
        return False
    return memory.heartbeat_at_us is None or (memory.presence_at_us or 0) >= memory.heartbeat_at_us


def _members(registry: Registry, now_us: int) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for row in registry.memberships:
        open_ = row.valid_until_at_us is None or now_us < row.valid_until_at_us
        if row.valid_from_at_us <= now_us and open_ and row.eui in registry.gateways:
            found.setdefault(row.commune_insee, {})[row.eui] = None
    return {insee: tuple(euis) for insee, euis in found.items()}
