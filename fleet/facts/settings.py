"""The contract's settings: each has a name, a unit, a default and a reason; a report prints them all.

Sources: AVAILABILITY (§ named beside each), MISSION "What is promised to users".
"""

from dataclasses import dataclass, field
from enum import StrEnum

from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.facts.states import Cause, CommuneState


class Weight(StrEnum):
    """What a commune weighs in the global figure; frozen at the month's start (§6)."""

    POPULATION = "population"
    SENSORS = "sensors"
    EQUAL = "equal"


class Serving(StrEnum):
    """Which figure of a commune is the contractual one (§3)."""

    ANY = "any"
    ALL = "all"
    SENSORS = "sensors"
    """The share of the commune's sensors with at least one coverer SERVING (§3, §9)."""


class LnsProof(StrEnum):
    """What proves that an LNS is up (§2)."""

    KEEP_ALIVE = "keep_alive"
    """It answers its protocol's keep-alives, or what stands in its place does."""
    END_TO_END = "end_to_end"
    """It answers, and acknowledges the frames of the gateway's test device, where there is one."""


_LOST, _UNKNOWN = CommuneState.LOST, CommuneState.UNKNOWN

PROMPT_US = HOUR_US
"""Proofs of delivery within this of the reception are kept as one (``fleet.evidence.deliveries``); no
contract may ask for less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractSettings:
    """Everything about the figures that two honest people could read differently."""

    version: int = 1
    objective_global_ppm: int = 999_700
    """99.97 % of the service (MISSION, AMI 1.1 and 1.2), in millionths."""
    objective_commune_ppm: int = 992_000
    """99.2 % in each commune (MISSION, AMI 1.1), in millionths."""
    serving: Serving = Serving.ANY
    """A commune is served while any (default) or all of its members serve, or as its sensors are (§3)."""
    weight: Weight = Weight.POPULATION
    unknown_is_charged: bool = True
    """Time that we could not see counts against us (§4)."""
    lns_answer_max_us: int = 30 * SECOND_US
    """Age of the last positive LNS answer up to which the LNS is up (§2)."""
    lns_proof: LnsProof = LnsProof.KEEP_ALIVE
    """Whether an LNS that answers and processes no frames of the test device is up (§2)."""
    time_agreement_us: int = 2 * SECOND_US
    """How far a gateway's clock may be from our reception and still be believed (§1)."""
    silence_confirmed_us: int = 90 * SECOND_US
    """Until then a silent gateway is shown in its last state; then it is down from its last proof on (§2)."""
    blindness_tail_us: int = 120 * SECOND_US
    """After recovery we still count as blind for so long: the time gateways need to come back (§4)."""
    bridging_tolerance_ms: int = 1_000
    """Δuptime = Δseq × interval ± this, else the gap is not bridged (§1)."""
    two_boxes_overlap_us: int = 5 * SECOND_US
    """Two boots alive together for longer are two boxes with one EUI; twice ``time_agreement_us`` and a
    second, because each boot's time may be off by that much."""
    restart_allowance_us: int = 5 * MINUTE_US
    """What a start still needs until the LNS answers belongs to the cause of the stop, up to this."""
    maintenance_notice_us: int = 72 * HOUR_US
    """A window must be recorded so long before it starts, else it excludes nothing (§5)."""
    maintenance_cap_us: int = 4 * HOUR_US
    """Announced time of one commune and month beyond this excludes nothing (§5); the contract names no
    figure, four hours is the time of one intervention (AMI 1.2)."""
    maintenance_year_cap_us: int = 24 * HOUR_US
    """The same over a year of Paris: six interventions."""
    maintenance_whole_cap_us: int = HOUR_US
    """What works may exclude of the whole network in a month, communes weighted: more is refused when it is
    announced (§5); 4.6 times the budget of 99.97 %."""
    maintenance_whole_year_cap_us: int = 6 * HOUR_US
    """The same over a year of Paris."""
    withdrawal_notice_us: int = 72 * HOUR_US
    """A withdrawal counts so long after it was recorded, but for a second person and a listed reason (§5)."""
    deferred_limit_us: int = 48 * HOUR_US
    """BUFFERING counts in the deferred figure when delivered within this (§6; CONV A4 2.3)."""
    responsible: dict[Cause, str] = field(
        default_factory=lambda: {
            Cause.NONE: "",
            Cause.POWER: "énergie",
            Cause.BACKHAUL: "opérateur de liaison",
            Cause.LNS: "cœur de réseau",
            Cause.BOX: "SMO",
            Cause.RADIO: "SMO",
            Cause.OURS: "SMO",
            Cause.UNKNOWN: "à établir",
        }
    )
    """Who answers for a cause (§2)."""

    def charges(self, state: CommuneState) -> bool:
        """Return whether time in a state counts against us."""
        return state is _LOST or (state is _UNKNOWN and self.unknown_is_charged)

    def __post_init__(self) -> None:
        for name in ("objective_global_ppm", "objective_commune_ppm"):
            if not 0 <= getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name}: {getattr(self, name)} is not within 0 and 1,000,000 millionths")
        for name in self.__slots__:
            if name.endswith(("_us", "_ms")) and getattr(self, name) < 0:
                raise ValueError(f"{name}: {getattr(self, name)} is negative")
        if self.deferred_limit_us < PROMPT_US:
            raise ValueError(f"deferred_limit_us: {self.deferred_limit_us} is less than {PROMPT_US}")
        if missing := [cause.value for cause in Cause if cause not in self.responsible]:
            raise ValueError(f"responsible: names nobody for {', '.join(missing)}")


DEFAULTS = ContractSettings()
