"""The network at one instant, from the registry and the memory of facts."""

from dataclasses import dataclass

from fleet.availability.communes import members_of
from fleet.availability.facts import Blindness, Membership
from fleet.availability.settings import ContractSettings
from fleet.live.communes import CommuneView
from fleet.live.gateways import GatewayView, Known, is_suspect
from fleet.live.memory import GatewayMemory, Memory
from fleet.live.model import GatewayNow, NetworkNow
from fleet.registry.store import Gateway, Registry


@dataclass(slots=True)
class NetworkView:
    """Computes ``NetworkNow`` cycle by cycle."""

    gateways: GatewayView
    communes: CommuneView
    _memberships: tuple[Membership, ...] | None = None
    _members: dict[str, tuple[Membership, ...]] | None = None

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
        known = {eui: self.gateways.known(memory.of(eui), sight, now_us) for eui in registry.gateways}
        members = self._members_of(registry.memberships)
        return NetworkNow(
            at_us=now_us,
            gateways={
                eui: _gateway_now(gateway, memory.of(eui), known[eui])
                for eui, gateway in registry.gateways.items()
            },
            communes={
                insee: self.communes.now(commune, members.get(insee, ()), known, now_us)
                for insee, commune in registry.communes.items()
            },
            blind=bool(blind_reason),
            blind_reason=blind_reason,
        )

    def _members_of(self, memberships: tuple[Membership, ...]) -> dict[str, tuple[Membership, ...]]:
        if self._members is None or self._memberships is not memberships:
            self._memberships, self._members = memberships, members_of(memberships)
        return self._members


def _gateway_now(gateway: Gateway, memory: GatewayMemory, known: Known) -> GatewayNow:
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
