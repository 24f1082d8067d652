"""Facts: what was said and seen, append-only, each with its valid time and when we recorded it.

``recorded_at_us`` never decides a state; it only dates our knowledge, so that a closed month can name the
facts that came later.  A fact of a person carries an ``id``: of two with one id the one recorded last counts,
and nothing is deleted.

Sources: AVAILABILITY §1 (the facts), §3 (members), §4 (blindness), §5 (maintenance).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

import msgspec

from agent.wire.messages import JournalRecord, Radio, TimeQuality
from fleet.facts.states import Cause
from fleet.lang.reasons import kept


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRun:
    """Heartbeats of one boot without a gap with the same content; one heartbeat is a run of one.

    A run equals its expansion (``fleet.facts.runs.expand``): the same timeline comes out.
    """

    eui: str
    boot: int
    first_seq: int
    last_seq: int
    first_uptime_ms: int
    last_uptime_ms: int
    first_at_us: int
    """Valid time of the first: the gateway's where ``trusted``, else our reception."""
    last_at_us: int
    interval_ms: int
    journal_seq: int
    radio: Radio
    contractual: str
    """Name of the contractual connector; empty when the gateway has none."""
    lns_up: bool
    """LNS_UP of the contractual connector (AVAILABILITY §2)."""
    spool_accepting: bool
    time_quality: TimeQuality
    trusted: bool
    """The gateway said GNSS or NTP and agreed within 2 s with our reception."""
    recorded_at_us: int
    """When we recorded the last heartbeat of the run, microseconds UTC."""


class JournalFact(JournalRecord, frozen=True, kw_only=True, array_like=False):
    """One journal record, as the gateway wrote it, with whose it is and when we had it."""

    eui: str
    recorded_at_us: int


def journal_fact(eui: str, record: JournalRecord, recorded_at_us: int) -> JournalFact:
    """Return the fact that a record of the wire states; ``reason`` is the line that is kept of it."""
    values = msgspec.structs.asdict(record) | {"reason": kept(record.why, record.reason), "why": None}
    return JournalFact(eui=eui, recorded_at_us=recorded_at_us, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredFact:
    """Frames received in [from, until) that an LNS had acknowledged by ``acked_at_us``."""

    eui: str
    boot: int
    seq: int
    connector: str
    received_from_us: int
    received_until_us: int
    acked_at_us: int
    frames: int
    dropped: int
    """Frames of that span that were dropped instead, all reasons together."""
    recorded_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blindness:
    """Positive proof that we ourselves could not see; the settings add the time after recovery."""

    id: str
    start_us: int
    end_us: int | None
    """Recovery; None while it lasts."""
    path: str
    """``canary``, ``broker`` (a new epoch), ``ingest``, …"""
    euis: tuple[str, ...] = ()
    """The gateways that depend on the path; empty: all."""
    reason: str
    recorded_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """An approved window; it excludes time only if announced early enough (AVAILABILITY §5)."""

    id: str
    euis: tuple[str, ...]
    start_us: int
    end_us: int
    announced_at_us: int
    """As it was typed; what counts is ``recorded_at_us``."""
    approved_by: str
    """Empty: not approved, excludes nothing."""
    reason: str = ""
    withdrawn: bool = False
    withdrawn_by: str = ""
    recorded_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """This gateway serves this commune in [from, to); approved by a person (AVAILABILITY §3)."""

    id: str
    commune_insee: str
    eui: str
    valid_from_us: int
    valid_to_us: int | None = None
    approved_by: str
    withdrawn: bool = False
    """Entered by mistake: never counted."""
    recorded_at_us: int


class CommissioningKind(StrEnum):
    """The two edges between which a gateway counts."""

    ACCEPTED = "accepted"
    WITHDRAWN = "withdrawn"


class WithdrawalReason(StrEnum):
    """Why a gateway may be withdrawn without notice, if a second person agrees (AVAILABILITY §5)."""

    OWNER = "owner"
    """The owner of the site took back the agreement."""
    HAZARD = "hazard"
    """It endangers people or the building."""
    THEFT = "theft"
    """Stolen or destroyed by a third party."""
    DEMOLITION = "demolition"
    """The site is being demolished or rebuilt."""
    AUTHORITY = "authority"
    """An authority ordered it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commissioning:
    """Acceptance on site, or withdrawal; the gateway is OUT before the first and after the last.

    When each counts from is ``fleet.availability.commissioning``: never before it was recorded.
    """

    id: str
    eui: str
    kind: CommissioningKind
    at_us: int
    who: str
    second: str = ""
    """Who agreed to a withdrawal without notice; another person than ``who``."""
    reason: WithdrawalReason | None = None
    void: bool = False
    """Entered by mistake: never counted."""
    recorded_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorStatement:
    """Somebody says why: changes the cause and who answers for it, never a state."""

    id: str
    eui: str
    start_us: int
    end_us: int
    cause: Cause
    responsible: str
    """Empty: as the settings say for the cause."""
    text: str
    who: str
    withdrawn: bool = False
    recorded_at_us: int
    suspected: bool = False
    """The fleet suspects a change of ours: of whole losses that begin within the span, but for power cuts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Members, weights and settings of a month at its first instant, or as they were corrected."""

    month: str
    version: int
    """1: taken by itself; each correction is one more, and the newest counts."""
    taken_at_us: int
    hash: str
    """SHA-256 of its content (``fleet.months.snapshots``)."""
    author: str
    second: str = ""
    reason: str = ""


GatewayFact: TypeAlias = HeartbeatRun | JournalFact | DeliveredFact | Commissioning | OperatorStatement
Fact: TypeAlias = GatewayFact | Blindness | Maintenance | Membership
PersonFact: TypeAlias = Blindness | Maintenance | Membership | Commissioning | OperatorStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFacts:
    """All facts that decide one gateway's timeline, in any order, duplicates allowed."""

    eui: str
    runs: tuple[HeartbeatRun, ...] = ()
    journal: tuple[JournalFact, ...] = ()
    delivered: tuple[DeliveredFact, ...] = ()
    commissioning: tuple[Commissioning, ...] = ()
    maintenances: tuple[Maintenance, ...] = ()
    statements: tuple[OperatorStatement, ...] = ()
    skipped: int = 0
    """Stored rows that no gateway can have meant: they prove nothing and are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkFacts:
    """The facts of all gateways, with what concerns more than one."""

    gateways: dict[str, GatewayFacts] = field(default_factory=dict)
    memberships: tuple[Membership, ...] = ()
    blindness: tuple[Blindness, ...] = ()


_FIELDS: tuple[tuple[type, str], ...] = (
    (HeartbeatRun, "runs"),
    (JournalFact, "journal"),
    (DeliveredFact, "delivered"),
    (Commissioning, "commissioning"),
    (OperatorStatement, "statements"),
)


def gather(facts: Iterable[Fact]) -> NetworkFacts:
    """Return ``facts`` sorted by whom they concern; gateways that only heartbeat are in it too."""
    lists: dict[str, dict[str, list[Fact]]] = {}
    memberships: list[Membership] = []
    blindness: list[Blindness] = []
    names = dict(_FIELDS)
    for fact in facts:
        if isinstance(fact, Membership):
            memberships.append(fact)
        elif isinstance(fact, Blindness):
            blindness.append(fact)
        elif isinstance(fact, Maintenance):
            for eui in fact.euis:
                lists.setdefault(eui, {}).setdefault("maintenances", []).append(fact)
        else:
            lists.setdefault(fact.eui, {}).setdefault(names[type(fact)], []).append(fact)
    gateways = {
        eui: GatewayFacts(eui=eui, **{name: tuple(group) for name, group in groups.items()})  # type: ignore[arg-type]
        for eui, groups in sorted(lists.items())
    }
    return NetworkFacts(gateways=gateways, memberships=tuple(memberships), blindness=tuple(blindness))
