"""From received messages to rows: decode, sort, deduplicate.  No message stops another.

``Sorter`` is pure.  Presence is kept for people only.  What cannot be used goes to ``refused`` with its
reason; the store keeps the newest of them and counts all.
"""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from agent.wire.beat import with_known
from agent.wire.messages import (
    ConfigReported,
    Delivered,
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
from agent.wire.topics import COMMAND, CONFIG_DESIRED, CONFIG_REPORTED, PRESENCE, split
from fleet.broker.received import Received
from fleet.evidence.allowance import UNUSED, Allowance, MessageKind
from fleet.evidence.coherence import Incoherent, Unusable, check_bounds, check_coherent
from fleet.facts.model import HeartbeatRun
from fleet.facts.runs import Outcome, fold
from fleet.facts.settings import ContractSettings

RETAINED = (PRESENCE, CONFIG_REPORTED)
"""An empty retained message only clears."""
JOURNAL_BATCH_LIMIT = 200
"""Records of one message (``agent.wire.messages.JournalBatch``)."""


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
    delivered: list[tuple[str, Delivered, int]] = field(default_factory=list)
    noted: list[tuple[str, Noted, int]] = field(default_factory=list)
    heard: dict[tuple[str, str, str], tuple[Heard, int]] = field(default_factory=dict)
    reported: dict[str, tuple[ConfigReported, int]] = field(default_factory=dict)
    replies: list[tuple[str, Reply, int]] = field(default_factory=list)
    refused: list[tuple[Received, str]] = field(default_factory=list)
    repeated: int = 0
    incoherent: dict[str, tuple[int, str, int]] = field(default_factory=dict)
    """By EUI: how many messages no gateway can mean, why the newest, and when it came."""
    allowances: dict[str, Allowance] = field(default_factory=dict)
    """What the gateways of this batch have used."""


def _nothing(_eui: str) -> None:
    return None


def _unused(_eui: str) -> Allowance:
    return UNUSED


@dataclass(frozen=True, slots=True)
class Sorter:
    """What sorting needs to know beside the batch itself: by EUI, what was known before it."""

    newest_run: Callable[[str], HeartbeatRun | None]
    known: Container[str]
    """EUIs of the registry."""
    settings: ContractSettings
    cut_us: int = 0
    """Runs that were received until then end there: our clock may have been another."""
    newest_heartbeat: Callable[[str], Heartbeat | None] = _nothing
    newest_presence: Callable[[str], Presence | None] = _nothing
    allowance: Callable[[str], Allowance] = _unused

    def sort(self, batch: Iterable[Received]) -> Sorted:
        """Return the rows of ``batch``."""
        rows = Sorted()
        for message in batch:
            try:
                self._sort(rows, message)
            except Incoherent as error:
                rows.refused.append((message, str(error)))
                eui, _ = split(message.topic)
                count, _, _ = rows.incoherent.get(eui, (0, "", 0))
                rows.incoherent[eui] = (count + 1, str(error), message.received_at_us)
            except ValueError as error:
                rows.refused.append((message, str(error)))
        return rows

    def _sort(self, rows: Sorted, message: Received) -> None:
        eui, leaf = split(message.topic)
        if leaf == CONFIG_DESIRED or leaf.startswith(f"{COMMAND}/"):
            return
        if eui not in self.known:
            raise Unusable(f"topic: no gateway {eui} in the registry")
        if not message.payload and leaf in RETAINED:
            return
        content = decode(leaf, message.payload)
        check_bounds(content)
        before = rows.newest_runs.get(eui) or self.newest_run(eui)
        check_coherent(content, before, message.received_at_us)
        kind, count = _cost(content)
        self._use(rows, eui, kind, count, message.received_at_us)
        if isinstance(content, Heartbeat):
            self._fold(rows, eui, content, message)
        elif isinstance(content, Presence):
            self._note_presence(rows, eui, content, message)
        else:
            _sort_in(rows, eui, content, message)

    def _fold(self, rows: Sorted, eui: str, heartbeat: Heartbeat, message: Received) -> None:
        before = rows.newest_runs.get(eui) or self.newest_run(eui)
        folded = fold(before, eui, heartbeat, message.received_at_us, self.settings, cut_us=self.cut_us)
        if folded.outcome is Outcome.REPEATED:
            rows.repeated += 1
            return
        if folded.outcome is Outcome.NEW:
            self._use(rows, eui, MessageKind.RUN, 1, message.received_at_us)
        run = folded.run
        rows.runs[eui, run.boot, run.first_seq] = run
        rows.newest_runs[eui] = run
        rows.vitals.append((eui, heartbeat, message.received_at_us))
        told = rows.heartbeats.get(eui)
        whole = with_known(heartbeat, told[0] if told else self.newest_heartbeat(eui))
        payload = message.payload if whole == heartbeat else encode(whole)
        rows.heartbeats[eui] = (whole, payload, message.received_at_us)

    def _use(self, rows: Sorted, eui: str, kind: MessageKind, count: int, at_us: int) -> None:
        """Take so much of what the gateway may say; what is refused costs nothing."""
        before = rows.allowances.get(eui) or self.allowance(eui)
        rows.allowances[eui] = before.after(kind, count, at_us)

    def _note_presence(self, rows: Sorted, eui: str, presence: Presence, message: Received) -> None:
        """An edge is a change: the same said again, by a broker that gives it once more, is none."""
        at_us = message.received_at_us
        told = rows.presence.get(eui)
        before = told[0] if told else self.newest_presence(eui)
        rows.presence[eui] = (presence, at_us)
        changed = before is None or (before.online, before.boot) != (presence.online, presence.boot)
        if changed and not message.retained:
            edge = {"eui": eui, "online": presence.online, "boot": presence.boot, "recorded_at_us": at_us}
            rows.presence_edges.append(edge)


def _cost(content: msgspec.Struct) -> tuple[MessageKind, int]:
    match content:
        case Heartbeat():
            return MessageKind.HEARTBEAT, 1
        case JournalBatch():
            return MessageKind.RECORD, len(content.records)
        case Delivered() | Heard() | Noted():
            return MessageKind.EVENT, 1
        case _:
            return MessageKind.OTHER, 1


def _sort_in(rows: Sorted, eui: str, content: msgspec.Struct, message: Received) -> None:
    at_us = message.received_at_us
    match content:
        case JournalBatch():
            if len(content.records) > JOURNAL_BATCH_LIMIT:
                raise Unusable(f"records: {len(content.records)}, at most {JOURNAL_BATCH_LIMIT}")
            rows.journal.extend((eui, record, at_us) for record in content.records)
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
