"""Words of the safety oracle: who asks for what, who is out anyway, what the answer says; pure.

Source: DESIGN §8 (never two gateways at once that are each other's redundancy; one oracle for all askers).
"""

from dataclasses import dataclass
from enum import StrEnum

from fleet.facts.months import Window


class AbsenceKind(StrEnum):
    """Why a gateway is out, or about to be."""

    PERMIT = "permit"
    """It may begin a change of its configuration."""
    COMMAND = "command"
    """It was told to restart, or something that stops reception."""
    WORKS = "works"
    ROLLOUT = "rollout"
    """The batch that a rollout works on."""
    VISIT = "visit"
    """A technician is on site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A gateway that somebody takes out."""

    eui: str
    window: Window
    kind: AbsenceKind
    reference: str = ""
    """Number of the works or the ticket, name of the rollout."""
    excused: bool = False
    """Works that were announced early enough: what a commune loses meanwhile is not charged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyLimits:
    """How careful the answer is; a setting of whoever asks."""

    budget_left_min_ppm: int = 100_000
    """A commune with less than this of its month's error budget left keeps all its gateways, millionths;
    0: a low budget forbids nothing."""
    alone_sensors_max_ppm: int = 200_000
    """A change may silence this share of a commune's sensors that no other gateway ever hears, millionths."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if not 0 <= getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name}: {getattr(self, name)} is not within 0 and 1,000,000 millionths")


LIMITS = SafetyLimits()
REPAIR_LIMITS = SafetyLimits(budget_left_min_ppm=0)
"""For whoever mends something: a low budget is a reason to mend, not to wait."""


class RefusalKind(StrEnum):
    """What forbids it."""

    NOT_REGISTERED = "not_registered"
    BLIND = "blind"
    """We do not see, so we cannot say who serves."""
    COMMUNE = "commune"
    """Nobody would serve the commune."""
    NEIGHBOUR = "neighbour"
    """Another gateway of the commune is out, and no record says which sensors hear a third one."""
    SENSORS = "sensors"
    """Sensors that several gateways hear would be heard by none."""
    ALONE = "alone"
    """Too many sensors that only this gateway hears."""
    BUDGET = "budget"
    """The commune has hardly any of its error budget left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason against one gateway."""

    eui: str
    kind: RefusalKind
    insee: str = ""
    """The commune that would suffer; empty where none is meant."""
    commune: str = ""
    """Its name."""
    sensors: int = 0
    out: tuple[str, ...] = ()
    """EUIs of the other gateways that are missing there, by chance or because they are out as well."""
    absences: tuple[Absence, ...] = ()
    """Those of ``out`` that somebody takes out, and why."""


class DegradedKind(StrEnum):
    """What becomes worse although it is allowed."""

    LAST_GATEWAY = "last_gateway"
    """One gateway is left for the commune."""
    ALONE = "alone"
    """Sensors that only this gateway hears are heard by nobody meanwhile."""
    EXCUSED = "excused"
    """Nobody serves the commune during works that were announced in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Degraded:
    """One commune that is worse off meanwhile."""

    kind: DegradedKind
    insee: str
    commune: str
    sensors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """May these gateways be out together in this window?"""

    euis: tuple[str, ...]
    window: Window

    def __post_init__(self) -> None:
        if not self.euis:
            raise ValueError("euis: name at least one gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Yes, or no with every reason."""

    refusals: tuple[Refusal, ...]
    degraded: tuple[Degraded, ...]

    @property
    def is_yes(self) -> bool:
        """Whether nothing forbids it."""
        return not self.refusals
