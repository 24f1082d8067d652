"""Incidents as values: what failed together, why we think so, and what to write down about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fleet.durations import MINUTE_US
from fleet.facts.states import Cause
from fleet.live.model import NetworkNow
from fleet.tickets.model import Criticality

FLAP_WINDOW_US = 30 * MINUTE_US
FLAP_EDGES = 4
"""Four edges in 30 minutes are one flapping incident (DESIGN §7)."""


class Domain(StrEnum):
    """What gateways may share that can fail at once (DESIGN §7)."""

    GATEWAY = "gateway"
    FEEDER = "feeder"
    COMMUNE = "commune"
    EPCI = "epci"
    OPERATOR = "operator"
    WAVE = "wave"
    LNS = "lns"
    NETWORK = "network"
    QUARANTINE = "quarantine"
    """One gateway to which we do not listen: it went beyond a budget (``fleet.evidence.quarantine``)."""
    BUDGET = "budget"
    """The budgets themselves: more gateways went beyond one than may be quarantined within an hour."""


class IncidentState(StrEnum):
    """An incident lives from the first confirmed loss to the last stable return."""

    OPEN = "open"
    ENDED = "ended"
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedCause:
    """The domain that explains an incident; ``value`` names it (feeder, INSEE, operator, EUI)."""

    domain: Domain
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One gateway's part in an incident."""

    eui: str
    since_us: int
    restored_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as the rules see it."""

    id: int
    state: IncidentState
    cause: SharedCause
    proved: Cause = Cause.NONE
    """What is proved to have failed, as far as it was ever known; ``NONE``: nothing is."""
    criticality: Criticality
    began_us: int
    """Start of the first loss, back-dated to the last proof."""
    opened_us: int
    """When the cycle opened it."""
    ended_us: int | None = None
    communes: tuple[str, ...] = ()
    """Every commune that its criticality has spoken of, the largest first."""
    members: Mapping[str, Member] = field(default_factory=dict)

    @property
    def failing(self) -> tuple[Member, ...]:
        """Members that are not back."""
        return tuple(member for member in self.members.values() if member.restored_us is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a decision may look at."""

    network: NetworkNow
    silence_confirmed_us: int
    """From a loss to its confirmation: ``ContractSettings.silence_confirmed_us``, 0 or more."""
    incidents: tuple[Incident, ...] = ()
    """Open ones, and those that ended less than ``REOPEN_WINDOW_US`` ago."""
    edges: Mapping[str, int] = field(default_factory=dict)
    """Losses and returns of each gateway in the last ``FLAP_WINDOW_US``, confirmed or not."""
    burning: Mapping[str, Criticality] = field(default_factory=dict)
    """Communes (INSEE) whose losses come too fast for their month."""
    turned_out: Mapping[str, Cause] = field(default_factory=dict)
    """EUI → what a loss that a change of ours was suspected of turned out to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A criticality with its reason, to be read on a screen."""

    criticality: Criticality
    reason: str
    communes: tuple[str, ...] = ()
    """INSEE codes that the reason speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Begin an incident."""

    cause: SharedCause
    members: tuple[Member, ...]
    grade: Grade
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Add members to an incident that is under way."""

    incident_id: int
    members: tuple[Member, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recover:
    """Members serve again."""

    incident_id: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fail:
    """Members that were back are lost again; an ended incident opens again."""

    incident_id: int
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Members that no longer count: withdrawn, or gone on with another incident."""

    incident_id: int
    euis: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """Another cause explains it better than the one it had."""

    incident_id: int
    cause: SharedCause
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """What failed is proved, or turns out to be something else."""

    incident_id: int
    proved: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorb:
    """Two incidents turn out to be one."""

    incident_id: int
    other_id: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Members that go on alone after the shared cause is over."""

    incident_id: int
    cause: SharedCause
    members: tuple[Member, ...]
    grade: Grade
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrade:
    """The consequence changed."""

    incident_id: int
    grade: Grade


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Every member has been serving for long enough."""

    incident_id: int
    at_us: int


Action = Open | Join | Recover | Fail | Leave | Explain | Attribute | Absorb | Split | Regrade | End
