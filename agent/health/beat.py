"""A heartbeat out of the state of the data path and the vitals (pure)."""

import msgspec

from agent.host.vitals import Vitals
from agent.observation import ConnectorState, DataPathState
from agent.wire.messages import ConnectorBeat, Heartbeat, TimeQuality

VITALS_EVERY = 10
"""Heartbeats from one that tells the vitals to the next: five minutes."""
NO_ANSWER = -1
"""``answer_age_ms`` of a connector that never answered in this boot."""


def heartbeat(
    state: DataPathState,
    vitals: Vitals | None,
    *,
    boot: int,
    seq: int,
    uptime_ms: int,
    journal_seq: int,
    at_us: int,
    time_quality: TimeQuality,
    now_us: int,
    config_version: int,
    interval_s: int,
    backhaul_rtt_ms: int | None = None,
) -> Heartbeat:
    """Return the heartbeat of this instant; ``now_us`` is monotonic, ``at_us`` UTC.

    ``vitals`` None: this heartbeat does not tell them, nor the counters that change little.
    """
    beat = Heartbeat(
        boot=boot,
        seq=seq,
        uptime_ms=uptime_ms,
        journal_seq=journal_seq,
        at_us=at_us,
        time_quality=time_quality,
        radio=state.radio,
        connectors=tuple(_connector(connector, now_us) for connector in state.connectors),
        spool_records=state.spool_records,
        spool_accepting=state.spool_accepting,
        received=state.received,
        delivered=state.delivered,
        dropped=state.dropped_total,
        config_version=config_version,
        crc_failed=None,
        transmitted=None,
        interval_s=interval_s,
        unbalanced_frames=state.balance.off if state.balance else 0,
    )
    if vitals is None:
        return beat
    temperature = state.temperature_c
    return msgspec.structs.replace(
        beat,
        temperature_c=vitals.temperature_c if temperature is None else round(temperature),
        cpu_percent=vitals.cpu_percent,
        memory_percent=vitals.memory_percent,
        disk_percent=vitals.disk_percent,
        backhaul_rtt_ms=backhaul_rtt_ms,
        crc_failed=state.crc_failed,
        transmitted=state.transmitted,
    )


def _connector(connector: ConnectorState, now_us: int) -> ConnectorBeat:
    answered = connector.last_answer_us
    age_ms = NO_ANSWER if answered is None else max(0, (now_us - answered) // 1000)
    return ConnectorBeat(connector.name, connector.up, age_ms, connector.queued)
