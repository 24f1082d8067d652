"""A ticket as values: states, criticality, pauses and the events that move it.

Sources: DESIGN §7 for the states and clocks.
"""

from dataclasses import dataclass
from enum import StrEnum


class Criticality(StrEnum):
    """Consequence of the outage (DESIGN §7)."""

    CRITICAL = "CRITICAL"
    MAJOR = "MAJOR"
    MINOR = "MINOR"

    @property
    def weight(self) -> int:
        """Order of urgency, 0 first."""
        return ("CRITICAL", "MAJOR", "MINOR").index(self.value)


class TicketState(StrEnum):
    """Where the work stands."""

    REPORTED = "reported"
    ACKNOWLEDGED = "acknowledged"
    EN_ROUTE = "en_route"
    ON_SITE = "on_site"
    RESTORED = "restored"
    CLOSED = "closed"
    MERGED = "merged"


WORKING = frozenset(
    {TicketState.REPORTED, TicketState.ACKNOWLEDGED, TicketState.EN_ROUTE, TicketState.ON_SITE}
)


class Origin(StrEnum):
    """How we learnt of it."""

    TELEMETRY = "telemetry"
    PHONE = "phone"
    MAIL = "mail"


class PauseReason(StrEnum):
    """The closed list of reasons that may stop the clocks (DESIGN §7)."""

    ACCESS_REFUSED = "access_refused"
    OWNER_ABSENT = "owner_absent"
    WEATHER_DANGER = "weather_danger"
    ENERGY_SUPPLIER = "energy_supplier"
    TELECOM_OPERATOR = "telecom_operator"
    AUTHORITY_ORDER = "authority_order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A span during which the clocks stand; ``until_us`` None while it lasts."""

    from_us: int
    until_us: int | None
    reason: PauseReason
    who: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldReport:
    """What the technician found and did."""

    cause: str
    action: str
    parts: tuple[str, ...] = ()
    depot: str = ""
    """Where the parts were taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A report that opens a ticket: its clocks run from ``reported_at_us``."""

    origin: Origin
    title: str
    criticality: Criticality
    began_at_us: int
    """When the service was lost, back-dated to the last proof; microseconds UTC."""
    reported_at_us: int
    incident_id: int | None = None
    site_id: int | None = None
    commune_insee: str = ""
    caller: str = ""
    who: str = "telemetry"
    """Who wrote it down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket; its deadlines follow from these fields alone (``clocks.py``)."""

    id: int
    incident_id: int | None
    origin: Origin
    title: str
    state: TicketState
    criticality: Criticality
    """The consequence at present; after the return, the last one."""
    worst_criticality: Criticality
    """The gravest it ever was; never lowered."""
    resolution_limit_us: int
    """Shortest limit it ever had: an upgrade shortens it, a downgrade never extends it."""
    began_at_us: int
    """When the service was lost, back-dated to the last proof."""
    reported_at_us: int
    acknowledged_at_us: int | None = None
    acknowledged_by: str = ""
    en_route_at_us: int | None = None
    on_site_at_us: int | None = None
    on_site_proof: str = ""
    """What was shown: ``code``, ``label``, ``position 46 m``, ``sms``; ``declared``: nothing."""
    on_site_by: str = ""
    on_site_entered_at_us: int | None = None
    """When we learnt of the arrival."""
    on_site_late: bool = False
    """It was entered so late that it counts only when a second person confirms it."""
    on_site_confirmed_by: str = ""
    on_site_confirmed_at_us: int | None = None
    restored_at_us: int | None = None
    closed_at_us: int | None = None
    merged_into: int | None = None
    site_id: int | None = None
    commune_insee: str = ""
    caller: str = ""
    progress_at_us: int | None = None
    """Last proof that somebody works on it; without one it is un-acknowledged."""
    pauses: tuple[Pause, ...] = ()
    report: FieldReport | None = None

    @property
    def working(self) -> bool:
        """Whether the service is still lost and somebody must act."""
        return self.state in WORKING

    @property
    def shown_criticality(self) -> Criticality:
        """The present consequence while the service is lost; the gravest once it is over."""
        return self.criticality if self.working else self.worst_criticality

    @property
    def paused(self) -> bool:
        """Whether its clocks stand."""
        return bool(self.pauses) and self.pauses[-1].until_us is None

    @property
    def remote(self) -> bool:
        """« à distance »: restored before anybody arrived."""
        return self.restored_at_us is not None and (
            self.on_site_at_us is None or self.on_site_at_us >= self.restored_at_us
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did it, through what, and when it happened (a phone without coverage tells late)."""

    who: str
    via: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Act):
    """Somebody takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depart(Act):
    """Somebody drives there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive(Act):
    """Somebody is at the cabinet; ``proof`` says how we know."""

    proof: str = "declared"
    late: bool = False
    """It was entered long after it happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProveArrival(Act):
    """Who is noted on site shows the gateway's code after all: it was dark before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmArrival(Act):
    """A second person confirms that somebody was there, and says how they know."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore(Act):
    """Telemetry shows the service back; nobody else may say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relapse(Act):
    """Telemetry shows the service lost again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Act):
    """The work is over; with a report unless it was « à distance »."""

    report: FieldReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse(Act):
    """No proof of progress in time: it is nobody's again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopClocks(Act):
    """Clocks stand, for a reason of the list."""

    reason: PauseReason
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeClocks(Act):
    """Clocks run again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrade(Act):
    """The consequence changed."""

    criticality: Criticality
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Act):
    """Closed too early."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge(Act):
    """The same cause has an older ticket."""

    into: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Note(Act):
    """A line for those who read on."""

    text: str


Event = (
    Acknowledge
    | Depart
    | Arrive
    | ProveArrival
    | ConfirmArrival
    | Restore
    | Relapse
    | Close
    | Lapse
    | StopClocks
    | ResumeClocks
    | Regrade
    | Reopen
    | Merge
    | Note
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRefused:
    """The event does not apply; ``key`` names the sentence for the person, ``values`` fill it."""

    key: str
    values: tuple[tuple[str, str], ...] = ()
    field: str = ""
    """The text of the request that is missing or wrong; empty: the state of the ticket refuses."""
