"""From received messages to rows: decode, check, admit, sort.  No message stops another.

    decode (agent.wire) → check (coherence) → fold (facts.runs) → admit (allowance) → Sorted

``Sorter`` is pure.  A message is charged once, with all that it cost: when it is admitted, or refused.
Presence is kept for people only.  What cannot be used goes to ``refused`` with its reason; the store keeps
the newest of them and counts all.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from agent.wire.beat import with_known
from agent.wire.messages import (
    ConfigReported,
    Delivered,
    Gone,
    Heard,
    Heartbeat,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    Reply,
    decode,
    encode,
)
from agent.wire.topics import COMMAND, CONFIG_DESIRED, CONFIG_REPORTED, JOURNAL_ACK, PRESENCE, split
from fleet.broker.received import Received
from fleet.evidence.allowance import UNUSED, Allowance, BeyondBudget, Counts, MessageKind, cost, of_beat
from fleet.evidence.coherence import INTEGER_LIMIT, Incoherent, Unusable, check
from fleet.evidence.quarantine import (
    DEFAULT_BOUND,
    NO_QUARANTINES,
    Quarantine,
    QuarantineBound,
    RecentQuarantines,
    begun,
)
from fleet.facts.model import HeartbeatRun
from fleet.facts.runs import Outcome, fold
from fleet.facts.settings import ContractSettings

RETAINED = (PRESENCE, CONFIG_REPORTED)
"""An empty retained message only clears."""
JOURNAL_BATCH_LIMIT = 200
"""Records of one message (``agent.wire.messages.JournalBatch``)."""
TOPIC_EUI = 2
"""Place of the EUI in a topic (``agent.wire.topics``)."""


@dataclass(slots=True, kw_only=True)
class Sorted:
    """One batch, by what the rows are for."""

    runs: dict[tuple[str, int, int], HeartbeatRun] = field(default_factory=dict)
    newest_runs: dict[str, HeartbeatRun] = field(default_factory=dict)
    heartbeats: dict[str, tuple[Heartbeat, bytes, int]] = field(default_factory=dict)
    """The newest of each gateway, with the vitals that it did not tell carried forward."""
    vitals: list[tuple[str, Heartbeat, int]] = field(default_factory=list)
    """Every new heartbeat, as it came."""
    presence: dict[str, tuple[Presence, int]] = field(default_factory=dict)
    presence_edges: list[dict[str, Any]] = field(default_factory=list)
    journal: list[tuple[str, JournalRecord, int]] = field(default_factory=list)
    gone: list[tuple[str, Gone]] = field(default_factory=list)
    """Records that we missed and that the gateway has no more."""
    announced: dict[tuple[str, int], int] = field(default_factory=dict)
    """By EUI and boot, the number of the newest record that a heartbeat is the first to speak of."""
    given_up: list[tuple[str, int, int]] = field(default_factory=list)
    """EUI, boot and number of records in messages that can never be used: nobody asks for them again."""
    delivered: list[tuple[str, Delivered, int]] = field(default_factory=list)
    noted: list[tuple[str, Noted, int]] = field(default_factory=list)
    heard: dict[tuple[str, str, str], tuple[Heard, int]] = field(default_factory=dict)
    reported: dict[str, tuple[ConfigReported, int]] = field(default_factory=dict)
    replies: list[tuple[str, Reply, int]] = field(default_factory=list)
    desired: list[Received] = field(default_factory=list)
    """Our own documents, as the broker retains them."""
    refused: list[tuple[Received, str]] = field(default_factory=list)
    repeated: int = 0
    incoherent: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    """By EUI: how many messages no gateway can mean, why the newest, and when it came."""
    allowances: dict[str, Allowance] = field(default_factory=dict)
    """What the gateways of this batch have used."""
    quarantines: dict[str, Quarantine] = field(default_factory=dict)
    """Gateways that are not listened to, after what they said in this batch."""
    recent: RecentQuarantines = NO_QUARANTINES
    """The last hour's, after this batch."""
    unheard: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By EUI: how many messages were refused for a quarantine, and when the newest came."""


class Known(Protocol):
    """What was known of one gateway before a batch; ``fleet.live.memory.GatewayMemory`` in the engine."""

    @property
    def newest_run(self) -> HeartbeatRun | None: ...

    @property
    def heartbeat(self) -> Heartbeat | None: ...

    @property
    def presence(self) -> Presence | None: ...

    @property
    def allowance(self) -> Allowance: ...

    @property
    def quarantine(self) -> Quarantine | None: ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """What is known of a gateway that never said anything."""

    newest_run: HeartbeatRun | None = None
    heartbeat: Heartbeat | None = None
    presence: Presence | None = None
    allowance: Allowance = UNUSED
    quarantine: Quarantine | None = None


def standing() -> int:
    """Return no processor time, for who sorts without a budget of it."""
    return 0


NOTHING = Nothing()


@dataclass(frozen=True, slots=True)
class Sorter:
    """What sorting needs to know beside the batch itself."""

    known: Mapping[str, Known]
    """By EUI, what was known before the batch."""
    registered: Collection[str]
    """EUIs of the registry."""
    settings: ContractSettings
    cut_us: int = 0
    """Runs that were received until then end there: our clock may have been another."""
    processor_ns: Callable[[], int] = standing
    """What this thread has used of a processor so far."""
    recent: RecentQuarantines = NO_QUARANTINES
    """The last hour's, before the batch."""
    bound: QuarantineBound = DEFAULT_BOUND
    """How many may begin within an hour."""

    def sort(self, batch: Iterable[Received]) -> Sorted:
        """Return the rows of ``batch``."""
        rows = Sorted(recent=self.recent)
        for message in batch:
            began_ns = self.processor_ns()
            try:
                self._sort(rows, message, began_ns)
            except ValueError as error:
                self._refuse(rows, message, error, began_ns)
        return rows

    def _refuse(self, rows: Sorted, message: Received, error: ValueError, began_ns: int) -> None:
        """Keep a message that cannot be used, and charge its gateway for what it cost."""
        rows.refused.append((message, str(error)))
        eui, at_us = _eui_of(message.topic), message.received_at_us
        if isinstance(error, Incoherent):
            count, _, _ = rows.incoherent.get(eui, (0, "", 0))
            rows.incoherent[eui] = (count + 1, str(error), at_us)
        if isinstance(error, BeyondBudget):
            self._begin(rows, eui, error, at_us)
        elif eui in self.registered:
            used_ns = self.processor_ns() - began_ns
            try:
                rows.allowances[eui] = self._used(rows, eui).after(cost(message.payload, used_ns), at_us)
            except BeyondBudget as beyond:
                self._begin(rows, eui, beyond, at_us)

    def _begin(self, rows: Sorted, eui: str, beyond: BeyondBudget, at_us: int) -> None:
        """Quarantine a gateway, or spare it where so many are that the limit itself may be wrong."""
        if rows.recent.admits(self.bound.limit(len(self.registered)), at_us):
            rows.quarantines[eui] = begun(beyond.kind, at_us)
            rows.recent = rows.recent.with_begin(at_us)
        else:
            rows.recent = rows.recent.with_spared(eui, at_us)

    def _used(self, rows: Sorted, eui: str) -> Allowance:
        return rows.allowances.get(eui) or self.known.get(eui, NOTHING).allowance

    def _is_unheard(self, rows: Sorted, eui: str, at_us: int) -> bool:
        """Return whether nobody listens to this gateway; its message is counted."""
        held = rows.quarantines.get(eui) or self.known.get(eui, NOTHING).quarantine
        if held is None:
            return False
        rows.quarantines[eui] = held.after_message(at_us)
        count, _ = rows.unheard.get(eui, (0, 0))
        rows.unheard[eui] = (count + 1, at_us)
        return True

    def _sort(self, rows: Sorted, message: Received, began_ns: int) -> None:
        eui, leaf = split(message.topic)
        if leaf == CONFIG_DESIRED:
            rows.desired.append(message)
            return
        if leaf == JOURNAL_ACK or leaf.startswith(f"{COMMAND}/"):
            return
        if eui not in self.registered:
            raise Unusable(f"topic: no gateway {eui} in the registry")
        if self._is_unheard(rows, eui, message.received_at_us):
            return
        content = None if not message.payload and leaf in RETAINED else decode(leaf, message.payload)
        if isinstance(content, Heartbeat):
            self._sort_heartbeat(rows, eui, content, message, began_ns)
        else:
            self._sort_other(rows, eui, content, message, began_ns)

    def _sort_heartbeat(
        self, rows: Sorted, eui: str, beat: Heartbeat, message: Received, began_ns: int
    ) -> None:
        """Check, fold and admit a heartbeat: one way, each step in a module of its own."""
        known, used, at_us = self.known.get(eui, NOTHING), self._used(rows, eui), message.received_at_us
        before = rows.newest_runs.get(eui) or known.newest_run
        check(beat, before, at_us)
        folded = fold(before, eui, beat, at_us, self.settings, cut_us=self.cut_us)
        told = rows.heartbeats.get(eui)
        whole = with_known(beat, told[0] if told else known.heartbeat)
        payload = message.payload if whole == beat else encode(whole)
        counts = of_beat(folded.outcome, new_boot=before is None or beat.boot != before.boot)
        counts += cost(message.payload, self.processor_ns() - began_ns)
        rows.allowances[eui] = used.after(counts, at_us)
        if folded.outcome is Outcome.REPEATED:
            rows.repeated += 1
            return
        known_seq = before.journal_seq if before is not None and before.boot == beat.boot else 0
        if beat.journal_seq > known_seq:
            rows.announced[eui, beat.boot] = beat.journal_seq
        run = folded.run
        rows.runs[eui, run.boot, run.first_seq] = run
        rows.newest_runs[eui] = run
        rows.vitals.append((eui, beat, at_us))
        rows.heartbeats[eui] = (whole, payload, at_us)

    def _sort_other(
        self, rows: Sorted, eui: str, content: msgspec.Struct | None, message: Received, began_ns: int
    ) -> None:
        """Check and admit anything else; None, the end of something retained, only costs."""
        known, at_us = self.known.get(eui, NOTHING), message.received_at_us
        try:
            if content is not None:
                check(content, rows.newest_runs.get(eui) or known.newest_run, at_us)
        except Unusable:
            if isinstance(content, JournalBatch):
                named = [one for one in content.records if abs(one.boot) <= INTEGER_LIMIT]
                rows.given_up.extend((eui, one.boot, one.journal_seq) for one in named)
            raise
        counts = _counts(content) + cost(message.payload, self.processor_ns() - began_ns)
        rows.allowances[eui] = self._used(rows, eui).after(counts, at_us)
        if isinstance(content, Presence):
            self._note_presence(rows, eui, content, message)
        elif content is not None:
            _sort_in(rows, eui, content, at_us)

    def _note_presence(self, rows: Sorted, eui: str, presence: Presence, message: Received) -> None:
        """An edge is a change: the same said again, by a broker that gives it once more, is none."""
        at_us = message.received_at_us
        told = rows.presence.get(eui)
        before = told[0] if told else self.known.get(eui, NOTHING).presence
        rows.presence[eui] = (presence, at_us)
        changed = before is None or (before.online, before.boot) != (presence.online, presence.boot)
        if changed and not message.retained:
            edge = {"eui": eui, "online": presence.online, "boot": presence.boot, "recorded_at_us": at_us}
            rows.presence_edges.append(edge)


def _eui_of(topic: str) -> str:
    return topic.split("/")[TOPIC_EUI] if topic.count("/") > TOPIC_EUI else ""


def _counts(content: msgspec.Struct | None) -> Counts:
    """Return what is charged beside the cost.

    Raises:
        Unusable: more records than a message may hold.
    """
    match content:
        case None:
            return ()
        case JournalBatch():
            if len(content.records) > JOURNAL_BATCH_LIMIT:
                raise Unusable(f"records: {len(content.records)}, at most {JOURNAL_BATCH_LIMIT}")
            return ((MessageKind.RECORD, len(content.records)),)
        case Delivered() | Heard() | Noted():
            return ((MessageKind.EVENT, 1),)
        case _:
            return ((MessageKind.OTHER, 1),)


def _sort_in(rows: Sorted, eui: str, content: msgspec.Struct, at_us: int) -> None:
    match content:
        case JournalBatch():
            rows.journal.extend((eui, record, at_us) for record in content.records)
            rows.gone.extend((eui, span) for span in content.gone)
        case Delivered():
            rows.delivered.append((eui, content, at_us))
        case Noted():
            rows.noted.append((eui, content, at_us))
        case Heard():
            rows.heard[eui, content.day, content.address] = (content, at_us)
        case ConfigReported():
            rows.reported[eui] = (content, at_us)
        case Reply():
            rows.replies.append((eui, content, at_us))
        case _:
            raise Unusable(f"topic: {type(content).__name__} is not kept")
