"""The network at one instant: what the engine computes each cycle and pages and incident rules read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from fleet.evidence.timekeeping import ClockQuality
from fleet.facts.states import Cause, CommuneState, GatewayState


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayNow:
    """One gateway at ``NetworkNow.at_us``."""

    eui: str
    name: str
    site_id: int
    commune_insee: str
    state: GatewayState
    since_us: int
    """When this state began, back-dated to the last proof (not when we noticed)."""
    proved: bool
    """DOWN by proof; False is « muette »: inferred from silence."""
    suspect: bool = False
    """The broker saw its socket close; nobody is paged for that."""
    incoherent: bool = False
    """It gave numbers that no gateway can mean, in the last day or in rows that are stored."""
    quarantine: str = ""
    """The budget that it went beyond, so that we do not listen (``allowance.MessageKind``); empty: we do."""
    quarantine_since_us: int | None = None
    cause: Cause = Cause.NONE
    reason: str = ""
    last_word_us: int | None = None
    backhaul_operator: str = ""
    power_feeder: str = ""
    config_version: int | None = None
    wave: str = ""
    """The change it got together with others a moment ago (``fleet.incidents.circumstances``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneNow:
    """One commune at ``NetworkNow.at_us``."""

    insee: str
    name: str
    epci: str
    population: int
    state: CommuneState
    since_us: int
    members: tuple[str, ...]
    """EUIs that serve it and are not OUT."""
    serving: tuple[str, ...]
    budget_left_us: int = 0
    """What may still be lost this month; negative when the promise is broken."""
    breach_at_us: int | None = None
    """When the month's budget is used up if present states persist (AVAILABILITY §7); None: not losing."""
    unheard_sensors: int = 0
    """Sensors that no serving gateway hears (``fleet.incidents.circumstances``)…"""
    unheard_by: frozenset[str] = frozenset()
    """…and the gateways that would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkNow:
    """The whole network; ``blind`` is a positive proof that we ourselves could not see."""

    at_us: int
    gateways: dict[str, GatewayNow] = field(default_factory=dict)
    communes: dict[str, CommuneNow] = field(default_factory=dict)
    blind: bool = False
    blind_reason: str = ""
    clock: ClockQuality = ClockQuality.HOST
    """What the clock is worth that dates all this."""
    spared: Mapping[str, int] = field(default_factory=dict)
    """Gateways beyond a budget that are listened to because too many are, by EUI with since when: the limit
    itself is suspected (``fleet.evidence.quarantine``)."""
    changed_gateways: frozenset[str] | None = None
    """Whose state differs from the newest cycle that was committed; None: nothing was, all are new."""
    changed_communes: frozenset[str] | None = None

    def within(self, insees: frozenset[str]) -> "NetworkNow":
        """Return the part that lies in some communes, without what serves them from outside."""
        gateways = {eui: each for eui, each in self.gateways.items() if each.commune_insee in insees}
        communes = {
            insee: replace(
                each,
                members=tuple(eui for eui in each.members if eui in gateways),
                serving=tuple(eui for eui in each.serving if eui in gateways),
                unheard_by=each.unheard_by & gateways.keys(),
            )
            for insee, each in self.communes.items()
            if insee in insees
        }
        return replace(self, gateways=gateways, communes=communes)
