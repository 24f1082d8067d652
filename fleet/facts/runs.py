"""Heartbeats to runs and back: a run holds what its heartbeats said, once (AVAILABILITY §1).

Ingest keeps the newest run of each gateway and folds every live heartbeat into it.  A heartbeat that says the
same, one number and one interval later, extends it; anything else begins a new one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent.wire.messages import Heartbeat, TimeQuality
from fleet.facts.model import HeartbeatRun
from fleet.facts.settings import DEFAULTS, ContractSettings

SELF_TRUSTED = (TimeQuality.NTP, TimeQuality.GNSS)
"""Qualities of time that a gateway may be believed with (AVAILABILITY §1)."""


class Outcome(StrEnum):
    """What became of a heartbeat."""

    EXTENDED = "extended"
    NEW = "new"
    REPEATED = "repeated"
    """Already in the run: said twice by a broker, changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """The run to keep: replaces the one before when EXTENDED, stands beside it when NEW."""

    run: HeartbeatRun
    outcome: Outcome


def fold(
    run: HeartbeatRun | None,
    eui: str,
    heartbeat: Heartbeat,
    received_at_us: int,
    settings: ContractSettings = DEFAULTS,
    *,
    cut_us: int = 0,
) -> Folded:
    """Return the newest run after one live heartbeat; what was received until ``cut_us`` is not extended."""
    single = run_of(eui, heartbeat, received_at_us, settings)
    if run is None or run.boot != single.boot:
        return Folded(run=single, outcome=Outcome.NEW)
    if run.first_seq <= single.last_seq <= run.last_seq:
        return Folded(run=run, outcome=Outcome.REPEATED)
    if run.recorded_at_us <= cut_us or not follows(run, single, settings):
        return Folded(run=single, outcome=Outcome.NEW)
    return Folded(run=join(run, single), outcome=Outcome.EXTENDED)


def run_of(
    eui: str, heartbeat: Heartbeat, received_at_us: int, settings: ContractSettings = DEFAULTS
) -> HeartbeatRun:
    """Return the run of one heartbeat; this is where its time is believed or replaced by ours."""
    trusted = (
        heartbeat.time_quality in SELF_TRUSTED
        and abs(heartbeat.at_us - received_at_us) <= settings.time_agreement_us
    )
    at_us = heartbeat.at_us if trusted else received_at_us
    lns = heartbeat.connectors[0] if heartbeat.connectors else None
    fresh = lns is not None and 0 <= lns.answer_age_ms * 1000 <= settings.lns_answer_max_us
    return HeartbeatRun(
        eui=eui,
        boot=heartbeat.boot,
        first_seq=heartbeat.seq,
        last_seq=heartbeat.seq,
        first_uptime_ms=heartbeat.uptime_ms,
        last_uptime_ms=heartbeat.uptime_ms,
        first_at_us=at_us,
        last_at_us=at_us,
        interval_ms=heartbeat.interval_s * 1000,
        journal_seq=heartbeat.journal_seq,
        radio=heartbeat.radio,
        contractual="" if lns is None else lns.name,
        lns_up=lns is not None and lns.up and fresh,
        spool_accepting=heartbeat.spool_accepting,
        time_quality=heartbeat.time_quality,
        trusted=trusted,
        recorded_at_us=received_at_us,
    )


def follows(run: HeartbeatRun, after: HeartbeatRun, settings: ContractSettings = DEFAULTS) -> bool:
    """Return whether ``after`` is the next heartbeat of ``run`` and says the same."""
    waited_ms = after.first_uptime_ms - run.last_uptime_ms
    return (
        _content(run) == _content(after)
        and after.first_seq == run.last_seq + 1
        and abs(waited_ms - run.interval_ms) <= settings.bridging_tolerance_ms
        and after.first_at_us >= run.last_at_us
    )


def join(run: HeartbeatRun, after: HeartbeatRun) -> HeartbeatRun:
    """Return the run that holds both; ``follows`` must hold."""
    return replace(
        run,
        last_seq=after.last_seq,
        last_uptime_ms=after.last_uptime_ms,
        last_at_us=after.last_at_us,
        recorded_at_us=max(run.recorded_at_us, after.recorded_at_us),
    )


def expand(run: HeartbeatRun) -> tuple[HeartbeatRun, ...]:
    """Return the run as one run per heartbeat, evenly spaced between its ends; ``join`` gives it back."""
    steps = run.last_seq - run.first_seq
    if steps == 0:
        return (run,)
    return tuple(
        replace(
            run,
            first_seq=run.first_seq + step,
            last_seq=run.first_seq + step,
            first_uptime_ms=(up := _between(run.first_uptime_ms, run.last_uptime_ms, step, steps)),
            last_uptime_ms=up,
            first_at_us=(at := _between(run.first_at_us, run.last_at_us, step, steps)),
            last_at_us=at,
        )
        for step in range(steps + 1)
    )


def _between(first: int, last: int, step: int, steps: int) -> int:
    return first + (last - first) * step // steps


def _content(run: HeartbeatRun) -> tuple[object, ...]:
    return (
        run.eui,
        run.boot,
        run.interval_ms,
        run.journal_seq,
        run.radio,
        run.contractual,
        run.lns_up,
        run.spool_accepting,
        run.time_quality,
        run.trusted,
    )
