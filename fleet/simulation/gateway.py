"""One gateway's physical month: troubles in, the truth and the facts that the agent would leave out.

It follows the agent's rules (AVAILABILITY §1, §2): a heartbeat every 30 s that reaches us while the backhaul
is there, a journal record for each change, the last time alive every 30 s, an LNS that answers every 5 s and
is given up 30 s after its last answer, a self-test of the radio every 60 s.  Runs are made from edges, not
heartbeat by heartbeat, so a month costs what its troubles cost.  Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise

from agent.wire.messages import Change, PreviousBoot, Radio, TimeQuality
from fleet.facts.intervals import Interval, clip, complement, contains, intersect, normal, union
from fleet.facts.model import HeartbeatRun, JournalFact
from fleet.facts.states import GatewayState

BEAT_MS = 30_000
FIRST_BEAT_MS = 5_000
ALIVE_MS = 30_000
ANSWER_MS = 5_000
GIVE_UP_MS = 30_000
SELFTEST_MS = 60_000
FOUND_DEAF_MS = 120_000
RADIO_START_MS = 8_000
LNS_START_MS = 9_000
RESTART_MS = 20_000
"""How long a restart takes."""
LATENCY_US = 150_000


class TroubleKind(StrEnum):
    """What can go wrong."""

    POWER = "power"
    BACKHAUL = "backhaul"
    LNS = "lns"
    RADIO = "radio"
    RESTART = "restart"
    """An orderly stop; its length is ``RESTART_MS``, whatever is asked."""


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """One thing that goes wrong, in milliseconds from the window's start."""

    start_ms: int
    length_ms: int
    kind: TroubleKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What really was, by the definitions of the contract, and the facts that tell of it."""

    truth: dict[GatewayState, list[Interval]]
    """Microseconds UTC; SERVING, BUFFERING and DOWN partition the window."""
    runs: tuple[HeartbeatRun, ...]
    journal: tuple[JournalFact, ...]


@dataclass(frozen=True, slots=True)
class _Edge:
    """A change in one boot, as its journal tells it."""

    at_ms: int
    change: Change
    subject: str
    value: str
    reason: str
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class _World:
    eui: str
    start_us: int
    length_ms: int
    powered: list[Interval]
    stops: frozenset[int]
    backhaul: list[Interval]
    reachable: list[Interval]
    radio: list[Interval]

    def us(self, at_ms: int) -> int:
        return self.start_us + at_ms * 1000


def live(eui: str, start_us: int, length_ms: int, troubles: Sequence[Trouble]) -> Lived:
    """Return the truth and the facts of one gateway over a window."""
    world = _world(eui, start_us, length_ms, troubles)
    runs: list[HeartbeatRun] = []
    journal: list[JournalFact] = []
    serving: list[Interval] = []
    receiving: list[Interval] = []
    previous: PreviousBoot | None = None
    for index, (on_ms, off_ms) in enumerate(world.powered):
        boot = _boot_number(eui, index)
        edges = _edges(world, on_ms, off_ms)
        journal.extend(_records(world, boot, on_ms, edges, previous))
        runs.extend(_runs(world, boot, (on_ms, off_ms), edges))
        here, up = _signals(edges, off_ms)
        receiving.extend(here)
        serving.extend(intersect(here, up))
        previous = _last_alive(world, boot, (on_ms, off_ms), edges)
    truth = _truth(world, serving, receiving)
    return Lived(truth=truth, runs=tuple(runs), journal=tuple(journal))


def _world(eui: str, start_us: int, length_ms: int, troubles: Sequence[Trouble]) -> _World:
    def gone(*kinds: TroubleKind) -> list[Interval]:
        spans = [(one.start_ms, one.start_ms + one.length_ms) for one in troubles if one.kind in kinds]
        return clip(normal(spans), 0, length_ms)

    cut = gone(TroubleKind.POWER)
    stops = frozenset(one.start_ms for one in troubles if one.kind is TroubleKind.RESTART)
    stopped = clip(normal((stop, stop + RESTART_MS) for stop in stops), 0, length_ms)
    powered = complement(union(cut, stopped), 0, length_ms)
    backhaul = complement(gone(TroubleKind.BACKHAUL), 0, length_ms)
    reachable = intersect(backhaul, complement(gone(TroubleKind.LNS), 0, length_ms))
    radio = complement(gone(TroubleKind.RADIO), 0, length_ms)
    return _World(eui, start_us, length_ms, powered, stops, backhaul, reachable, radio)


def _edges(world: _World, on_ms: int, off_ms: int) -> list[_Edge]:
    """Return the changes that one boot notices, in order."""
    edges = [_Edge(on_ms, Change.BOOT, "agent", "STARTED", "")]
    for start_ms, end_ms in clip(world.radio, on_ms, off_ms):
        begins_ms = max(start_ms, on_ms + RADIO_START_MS)
        if begins_ms < end_ms:
            edges.append(_Edge(begins_ms, Change.RADIO, "radio", "RECEIVING", ""))
            since_ms = max(begins_ms, _grid(end_ms, on_ms, SELFTEST_MS))
            edges.append(_Edge(since_ms + FOUND_DEAF_MS, Change.RADIO, "radio", "DEAF", "no frame", since_ms))
    for start_ms, end_ms in clip(world.reachable, on_ms, off_ms):
        begins_ms = max(-(-(start_ms - on_ms) // ANSWER_MS) * ANSWER_MS + on_ms, on_ms + LNS_START_MS)
        if begins_ms < end_ms:
            edges.append(_Edge(begins_ms, Change.CONNECTOR, "lns", "UP", ""))
            last_ms = max(begins_ms, _grid(end_ms, on_ms, ANSWER_MS))
            edges.append(_Edge(last_ms + GIVE_UP_MS, Change.CONNECTOR, "lns", "DOWN", "no answer", last_ms))
    kept = _noticed(edges, off_ms)
    if off_ms in world.stops:
        kept.append(_Edge(off_ms, Change.STOP, "agent", "STOPPED", "asked"))
    return kept


def _grid(end_ms: int, on_ms: int, step_ms: int) -> int:
    """Return the last instant of a grid before an end."""
    return on_ms + (end_ms - 1 - on_ms) // step_ms * step_ms


def _noticed(edges: Sequence[_Edge], off_ms: int) -> list[_Edge]:
    """Drop a loss that had ended before it was noticed, with the return that nobody saw."""
    kept = [edge for edge in edges if edge.change is Change.BOOT]
    for change in (Change.RADIO, Change.CONNECTOR):
        own = sorted(
            (one for one in edges if one.change is change), key=lambda one: one.since_ms or one.at_ms
        )
        down = True
        for index, edge in enumerate(own):
            back_ms = own[index + 1].at_ms if index + 1 < len(own) else off_ms
            if edge.since_ms is None:
                kept.extend([edge] if down else [])
                down = False
            elif edge.at_ms < min(back_ms, off_ms):
                kept.append(edge)
                down = True
    return sorted(kept, key=lambda edge: (edge.at_ms, edge.change))


def _records(
    world: _World, boot: int, on_ms: int, edges: Sequence[_Edge], previous: PreviousBoot | None
) -> list[JournalFact]:
    return [
        JournalFact(
            eui=world.eui,
            boot=boot,
            journal_seq=number,
            uptime_ms=edge.at_ms - on_ms,
            at_us=world.us(edge.at_ms),
            time_quality=TimeQuality.NTP,
            change=edge.change,
            subject=edge.subject,
            value=edge.value,
            reason=edge.reason,
            since_ms=None if edge.since_ms is None else edge.since_ms - on_ms,
            previous=previous if edge.change is Change.BOOT else None,
            recorded_at_us=world.us(edge.at_ms) + LATENCY_US,
        )
        for number, edge in enumerate(edges, start=1)
    ]


def _runs(world: _World, boot: int, on: Interval, edges: Sequence[_Edge]) -> list[HeartbeatRun]:
    """Return the heartbeats that reached us, as runs between the edges of what they say."""
    cuts = sorted(
        {*on, *(edge.at_ms for edge in edges)} | {edge for span in clip(world.backhaul, *on) for edge in span}
    )
    runs = []
    radio, lns_up, number = Radio.OFF, False, 0
    here = _Boot(boot, on[0])
    for start_ms, end_ms in pairwise(cuts):
        while number < len(edges) and edges[number].at_ms <= start_ms:
            edge = edges[number]
            radio = Radio[edge.value] if edge.change is Change.RADIO else radio
            lns_up = edge.value == "UP" if edge.change is Change.CONNECTOR else lns_up
            number += 1
        first = -(-(start_ms - on[0] - FIRST_BEAT_MS) // BEAT_MS)
        last = (end_ms - 1 - on[0] - FIRST_BEAT_MS) // BEAT_MS
        first = max(first, 0)
        if first <= last and contains(world.backhaul, start_ms):
            runs.append(_run(world, here, (first, last), _Reported(number, radio, lns_up)))
    return runs


@dataclass(frozen=True, slots=True)
class _Boot:
    number: int
    on_ms: int


@dataclass(frozen=True, slots=True)
class _Reported:
    journal_seq: int
    radio: Radio
    lns_up: bool


def _run(world: _World, boot: _Boot, seqs: tuple[int, int], reported: _Reported) -> HeartbeatRun:
    first_ms, last_ms = (FIRST_BEAT_MS + seq * BEAT_MS for seq in seqs)
    return HeartbeatRun(
        eui=world.eui,
        boot=boot.number,
        first_seq=seqs[0],
        last_seq=seqs[1],
        first_uptime_ms=first_ms,
        last_uptime_ms=last_ms,
        first_at_us=world.us(boot.on_ms + first_ms),
        last_at_us=world.us(boot.on_ms + last_ms),
        interval_ms=BEAT_MS,
        journal_seq=reported.journal_seq,
        radio=reported.radio,
        contractual="lns",
        lns_up=reported.lns_up,
        spool_accepting=True,
        time_quality=TimeQuality.NTP,
        trusted=True,
        recorded_at_us=world.us(boot.on_ms + last_ms) + LATENCY_US,
    )


def _signals(edges: Sequence[_Edge], off_ms: int) -> tuple[list[Interval], list[Interval]]:
    """Return when the radio received and when the LNS answered, losses begun when they really began."""

    def held(change: Change, good: str) -> list[Interval]:
        spans, since = [], None
        for edge in edges:
            if edge.change is change and edge.value == good:
                since = edge.at_ms
            elif edge.change is change and since is not None:
                spans.append((since, edge.since_ms if edge.since_ms is not None else edge.at_ms))
                since = None
        if since is not None:
            spans.append((since, off_ms))
        return normal(spans)

    return held(Change.RADIO, "RECEIVING"), held(Change.CONNECTOR, "UP")


def _last_alive(world: _World, boot: int, on: Interval, edges: Sequence[_Edge]) -> PreviousBoot:
    clean = on[1] in world.stops
    uptime_ms = on[1] - on[0] if clean else (on[1] - 1 - on[0]) // ALIVE_MS * ALIVE_MS
    known = sum(edge.at_ms - on[0] <= uptime_ms for edge in edges)
    return PreviousBoot(boot, uptime_ms, world.us(on[0] + uptime_ms), TimeQuality.NTP, clean, known)


def _truth(
    world: _World, serving: Sequence[Interval], receiving: Sequence[Interval]
) -> dict[GatewayState, list[Interval]]:
    def us(spans: Sequence[Interval]) -> list[Interval]:
        return [(world.us(start), world.us(end)) for start, end in spans]

    up = normal(serving)
    alive = normal(receiving)
    buffering = intersect(alive, complement(up, 0, world.length_ms))
    down = complement(alive, 0, world.length_ms)
    return {
        GatewayState.SERVING: us(up),
        GatewayState.BUFFERING: us(buffering),
        GatewayState.DOWN: us(down),
    }


def _boot_number(eui: str, index: int) -> int:
    return int.from_bytes(blake2b(f"{eui}/{index}".encode(), digest_size=7).digest(), "big")
