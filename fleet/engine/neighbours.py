"""Gateways that come back with stored frames are answered what the LNS has through their neighbours.

    heartbeat: LNS up, frames queued ─▶ away since when (pure) ─▶ does its connector spare?
                                     ─▶ what the LNS had since ─▶ published, not retained

Nobody asks: the heartbeat says it.  An answer that is lost is given again; who gets none delivers all.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection

from agent.wire.messages import Heartbeat, encode
from agent.wire.topics import NEIGHBOURS, topic
from fleet.configurations.store import newest_version
from fleet.durations import SECOND_US
from fleet.facts.model import HeartbeatRun
from fleet.live.memory import GatewayMemory, Memory
from fleet.objects.recent import RecentUplinks

LOOK_EVERY_US = 10 * SECOND_US
FRESH_US = 60 * SECOND_US
"""Age up to which a heartbeat says how its gateway is now."""
GAP_US = 90 * SECOND_US
"""Runs of heartbeats further apart than this are an outage between them (AVAILABILITY §2)."""
AGAIN_US = 20 * SECOND_US
"""A gateway that still has frames waiting hears what came meanwhile: fresh frames wait behind stored ones."""
ANSWERS_LIMIT = 6
"""Answers for one outage."""

Publish = Callable[[str, bytes], bool]
"""(topic, payload) → whether it was taken."""


@dataclass(frozen=True, slots=True)
class _Answered:
    away_since_us: int
    at_us: int
    answers: int


class NeighbourAnswers:
    """Used by the engine's thread only; what it remembers may be lost."""

    def __init__(self) -> None:
        self.recent = RecentUplinks()
        self._answered: dict[str, _Answered] = {}
        self._due_us = 0
        self.answered = 0

    def speak(
        self, connection: Connection, publish: Publish, memory: Memory, now_us: int, monotonic_us: int
    ) -> None:
        """Answer whom an answer is due."""
        if monotonic_us < self._due_us:
            return
        self._due_us = monotonic_us + LOOK_EVERY_US
        waiting = [known for known in memory.gateways.values() if _waits(known, now_us)]
        self._answered = {
            known.eui: self._answered[known.eui] for known in waiting if known.eui in self._answered
        }
        for known in waiting:
            since_us = away_since_us(known.runs)
            if since_us is None or not self._is_due(known.eui, since_us, monotonic_us):
                continue
            word = self.recent.known(known.eui, since_us, now_us) if _spares(connection, known.eui) else None
            taken = word is not None and publish(topic(known.eui, NEIGHBOURS), encode(word))
            self._note(known.eui, since_us, monotonic_us, taken=taken)

    def _is_due(self, eui: str, since_us: int, monotonic_us: int) -> bool:
        before = self._answered.get(eui)
        if before is None or before.away_since_us != since_us:
            return True
        return before.answers < ANSWERS_LIMIT and monotonic_us - before.at_us >= AGAIN_US

    def _note(self, eui: str, since_us: int, monotonic_us: int, *, taken: bool) -> None:
        before = self._answered.get(eui)
        answers = before.answers if before is not None and before.away_since_us == since_us else 0
        self._answered[eui] = _Answered(since_us, monotonic_us, answers + taken)
        self.answered += taken


def _waits(known: GatewayMemory, now_us: int) -> bool:
    """Return whether a gateway says now that its LNS answers and that frames wait."""
    beat, at_us = known.heartbeat, known.heartbeat_at_us
    return beat is not None and at_us is not None and now_us - at_us <= FRESH_US and _queues(beat)


def _queues(beat: Heartbeat) -> bool:
    return bool(beat.connectors) and beat.connectors[0].up and beat.connectors[0].queued > 0


def _spares(connection: Connection, eui: str) -> bool:
    version = newest_version(connection, eui)
    connectors = version.configuration.connectors if version is not None else ()
    return any(connector.contractual and connector.spare_delivered for connector in connectors)


def away_since_us(runs: Iterable[HeartbeatRun]) -> int | None:
    """Return when the last outage before the present service began: its last proof; None: none is known."""
    after: HeartbeatRun | None = None
    away = False
    for run in sorted(runs, key=lambda run: run.last_at_us, reverse=True):
        away = away or not run.lns_up or (after is not None and after.first_at_us - run.last_at_us > GAP_US)
        if away and run.lns_up:
            return run.last_at_us
        after = run
    return None
