"""Which losses share a cause; pure.

Losses that began within ``TOGETHER_US`` of each other are explained by the domain for which most speaks: its
losses, less its gateways that still serve, for they are evidence against it.  Then the next best domain
explains what remains; what nothing explains stands alone.  A proved cause restricts the domains: a power cut
does not follow a telephone operator.  « The whole network » wants more than a handful: half of six gateways
that share nothing else are three faults on a bad day, and saying « ours » would send nobody.

A change of ours (a push) that reached a gateway a moment ago is the first suspect of its loss.  Only a domain
that explains losses of gateways which nobody changed, and enough of them by themselves, speaks against it.

Sources: DESIGN §7; peers' measured alert storms (one operator lost = 535 messages when grouped by commune).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from fleet.durations import MINUTE_US
from fleet.facts.states import Cause, GatewayState
from fleet.incidents.model import Domain, SharedCause
from fleet.live.model import GatewayNow, NetworkNow

TOGETHER_US = 5 * MINUTE_US
"""Starts of one shared cause lie this close: heartbeats spread them over 30 s, batteries over minutes."""

MOSTLY = 0.5
"""Share of a domain's gateways that must be lost before the domain is blamed; a change of ours is suspected
of any loss among its gateways."""

FEWEST = {
    Domain.FEEDER: 2,
    Domain.COMMUNE: 2,
    Domain.EPCI: 3,
    Domain.OPERATOR: 3,
    Domain.WAVE: 1,
    Domain.LNS: 2,
    Domain.NETWORK: 8,
}
"""Losses below which a domain is not blamed: two neighbours may share a feeder, not yet an operator.  The
network's eight: three independent losses within ``TOGETHER_US`` happen, eight do not."""

AGAINST = {Domain.NETWORK: 1.0}
AGAINST_OTHERS = 0.5
"""What a gateway that still serves says against its domain: a storm or a failing operator spares some of
theirs, whatever stops the whole network hardly any."""

PREFERRED = tuple(FEWEST)
"""Narrow before wide, when two domains explain the same losses equally well."""

POSSIBLE = {
    Cause.POWER: {Domain.FEEDER, Domain.COMMUNE, Domain.EPCI, Domain.NETWORK},
    Cause.BACKHAUL: {Domain.WAVE, Domain.OPERATOR, Domain.COMMUNE, Domain.EPCI, Domain.NETWORK},
    Cause.LNS: {Domain.WAVE, Domain.LNS},
    Cause.BOX: {Domain.WAVE},
    Cause.RADIO: {Domain.WAVE},
}
"""Domains that agree with a proved cause; any domain agrees with an unknown one.  A change of ours can cut
the way to anything but the power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Losses with one explanation."""

    cause: SharedCause
    euis: tuple[str, ...]
    lost: int
    """How many gateways of the domain are lost…"""
    total: int
    """…of so many that count."""

    @property
    def reason(self) -> str:
        """The explanation in figures."""
        return f"{self.lost}/{self.total}"


def explain(failing: Mapping[str, int], network: NetworkNow) -> tuple[Part, ...]:
    """Return the losses (EUI to start) split by their likeliest shared cause."""
    totals = _totals(network)
    parts: list[Part] = []
    for together in _bursts(failing):
        parts.extend(_explain_burst(together, network, totals))
    return tuple(parts)


def _bursts(failing: Mapping[str, int]) -> Iterator[list[str]]:
    burst: list[str] = []
    for eui, since_us in sorted(failing.items(), key=lambda item: (item[1], item[0])):
        if burst and since_us - failing[burst[-1]] > TOGETHER_US:
            yield burst
            burst = []
        burst.append(eui)
    if burst:
        yield burst


def _explain_burst(euis: list[str], network: NetworkNow, totals: Mapping[SharedCause, int]) -> Iterator[Part]:
    left = list(euis)
    while left:
        hits: dict[SharedCause, list[str]] = defaultdict(list)
        for eui in left:
            for cause in possible(network.gateways[eui], network):
                hits[cause].append(eui)
        blamed = (item for item in hits.items() if _blamed(*item, totals))
        best = max(blamed, key=_better(totals, network), default=None)
        if best is None:
            break
        cause, found = best
        yield Part(cause=cause, euis=tuple(found), lost=len(found), total=totals[cause])
        taken = set(found)
        left = [eui for eui in left if eui not in taken]
    for eui in left:
        yield Part(cause=SharedCause(domain=Domain.GATEWAY, value=eui), euis=(eui,), lost=1, total=1)


def _blamed(cause: SharedCause, found: list[str], totals: Mapping[SharedCause, int]) -> bool:
    mostly = MOSTLY * totals[cause] if cause.domain is not Domain.WAVE else 0
    return len(found) >= FEWEST[cause.domain] and len(found) >= mostly


def _better(
    totals: Mapping[SharedCause, int], network: NetworkNow
) -> Callable[[tuple[SharedCause, list[str]]], tuple[int, float, float, int, str]]:
    def suspicion(cause: SharedCause, found: list[str]) -> int:
        if cause.domain is Domain.WAVE:
            return 1
        untouched = [eui for eui in found if not network.gateways[eui].wave]
        return 2 if _blamed(cause, untouched, totals) else 0

    def rank(item: tuple[SharedCause, list[str]]) -> tuple[int, float, float, int, str]:
        cause, found = item
        against = AGAINST.get(cause.domain, AGAINST_OTHERS) * (totals[cause] - len(found))
        narrow = -PREFERRED.index(cause.domain)
        alike = len(found) - against, len(found) / totals[cause]
        return suspicion(cause, found), *alike, narrow, cause.value

    return rank


def domains(gateway: GatewayNow, network: NetworkNow) -> Iterator[SharedCause]:
    """Yield everything this gateway shares with others."""
    if gateway.power_feeder:
        yield SharedCause(domain=Domain.FEEDER, value=gateway.power_feeder)
    if gateway.commune_insee:
        yield SharedCause(domain=Domain.COMMUNE, value=gateway.commune_insee)
    commune = network.communes.get(gateway.commune_insee)
    if commune is not None and commune.epci:
        yield SharedCause(domain=Domain.EPCI, value=commune.epci)
    if gateway.backhaul_operator:
        yield SharedCause(domain=Domain.OPERATOR, value=gateway.backhaul_operator)
    if gateway.wave:
        yield SharedCause(domain=Domain.WAVE, value=gateway.wave)
    yield SharedCause(domain=Domain.LNS, value="")
    yield SharedCause(domain=Domain.NETWORK, value="")


def possible(gateway: GatewayNow, network: NetworkNow) -> Iterator[SharedCause]:
    """Yield the shared causes that agree with what is proved about this gateway."""
    allowed = POSSIBLE.get(gateway.cause)
    for cause in domains(gateway, network):
        if cause.domain is Domain.LNS and gateway.cause is not Cause.LNS:
            continue
        if allowed is None or cause.domain in allowed:
            yield cause


def _totals(network: NetworkNow) -> Mapping[SharedCause, int]:
    totals: dict[SharedCause, int] = defaultdict(int)
    for gateway in network.gateways.values():
        if gateway.state is not GatewayState.OUT:
            for cause in domains(gateway, network):
                totals[cause] += 1
    return totals
