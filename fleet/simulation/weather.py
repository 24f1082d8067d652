"""What happens to facts on their way to us: each weather takes a gateway's facts and gives those that came.

Stalled lines, clocks that lie or were never set, numbers that are not told, records that are lost, a copied
disk that lives beside its original.  What truly happened stays the same.  Pure; from a seed.
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Protocol

import msgspec

from agent.wire.messages import TimeQuality
from fleet.durations import HOUR_US, SECOND_US
from fleet.facts.model import GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.runs import expand

STALL_SHARE = 0.02
STALL_SHORTEST_US, STALL_LONGEST_US = 3 * SECOND_US, 45 * SECOND_US
NOTICED_US = 2 * SECOND_US
"""A heartbeat that is later than this is not believed (``ContractSettings.time_agreement_us``)."""
LATENCY_US = SECOND_US // 2
LOST_SHARE = 0.05


class Weather(Protocol):
    """What changes facts on their way."""

    def __call__(self, facts: GatewayFacts, chance: Random) -> GatewayFacts:
        """Return the facts that come of ``facts``."""


def stalled(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Delay heartbeats, with all that come up behind them: our reception dates them."""
    runs: list[HeartbeatRun] = []
    until_us = 0
    for beat in _beats(facts):
        if chance.random() < STALL_SHARE:
            stall_us = chance.randrange(STALL_SHORTEST_US, STALL_LONGEST_US)
            until_us = max(until_us, beat.first_at_us + stall_us)
        late = until_us - beat.first_at_us > NOTICED_US
        runs.append(_received_at(beat, until_us) if late else beat)
    return replace(facts, runs=tuple(runs))


def lying(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Put the clock of half of the boots an hour ahead although it says NTP."""
    wrong = _some_boots(facts, chance)
    return replace(
        facts,
        runs=tuple(
            _received_at(beat, beat.first_at_us + chance.randrange(LATENCY_US))
            if beat.boot in wrong
            else beat
            for beat in _beats(facts)
        ),
        journal=tuple(
            msgspec.structs.replace(one, at_us=one.at_us + HOUR_US) if one.boot in wrong else one
            for one in facts.journal
        ),
    )


def clockless(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Let the gateway never know the time: our receptions are all there is."""
    return replace(
        facts,
        runs=tuple(
            _late(replace(beat, time_quality=TimeQuality.UNTRUSTED), chance) for beat in _beats(facts)
        ),
        journal=tuple(
            msgspec.structs.replace(one, at_us=0, time_quality=TimeQuality.UNTRUSTED) for one in facts.journal
        ),
    )


def untold(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Let half of the starts not tell the number of the newest record before them."""
    return replace(facts, journal=tuple(_untold(one, chance) for one in facts.journal))


def lost(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Lose some heartbeats and records."""
    return replace(
        facts,
        runs=tuple(beat for beat in _beats(facts) if chance.random() >= LOST_SHARE),
        journal=tuple(one for one in facts.journal if chance.random() >= LOST_SHARE),
    )


def cloned(facts: GatewayFacts, chance: Random) -> GatewayFacts:
    """Let a copy of the disk live beside its original, in boots of its own, a little later."""
    later_us = chance.randrange(10, 600) * SECOND_US
    mask = chance.randrange(1, 1 << 40)
    copies = {boot: boot ^ mask for boot in sorted({run.boot for run in facts.runs})}
    runs = tuple(
        replace(
            run,
            boot=copies[run.boot],
            first_at_us=run.first_at_us + later_us,
            last_at_us=run.last_at_us + later_us,
        )
        for run in facts.runs
    )
    journal = tuple(
        msgspec.structs.replace(one, boot=copies[one.boot], at_us=one.at_us + later_us, previous=None)
        for one in facts.journal
        if one.boot in copies
    )
    return replace(facts, runs=(*facts.runs, *runs), journal=(*facts.journal, *journal))


WEATHERS: Mapping[str, Weather] = {
    "stalled": stalled,
    "lying": lying,
    "clockless": clockless,
    "untold": untold,
    "lost": lost,
    "cloned": cloned,
}


def _beats(facts: GatewayFacts) -> list[HeartbeatRun]:
    beats = (one for run in facts.runs for one in expand(run))
    return sorted(beats, key=lambda beat: (beat.first_at_us, beat.boot, beat.first_seq))


def _late(beat: HeartbeatRun, chance: Random) -> HeartbeatRun:
    return _received_at(beat, beat.first_at_us + chance.randrange(LATENCY_US))


def _received_at(beat: HeartbeatRun, at_us: int) -> HeartbeatRun:
    return replace(beat, first_at_us=at_us, last_at_us=at_us, trusted=False, recorded_at_us=at_us)


def _some_boots(facts: GatewayFacts, chance: Random) -> set[int]:
    return {boot for boot in sorted({run.boot for run in facts.runs}) if chance.random() < 0.5}


def _untold(record: JournalFact, chance: Random) -> JournalFact:
    if record.previous is None or chance.random() < 0.5:
        return record
    previous = msgspec.structs.replace(record.previous, journal_seq=0)
    return msgspec.structs.replace(record, previous=previous)
