"""The clockwork of health: heartbeats, details, last time alive, steps of the clock, bytes of the month."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.durable import write_if_possible
from agent.health.beat import VITALS_EVERY, heartbeat
from agent.health.details import LOOK_EVERY_S, DetailsSent, judge, radio_fields
from agent.health.usage import KEEP_BYTES, Level, TrafficKind, Usage, count, level, stopped, why_stopped
from agent.hearing.noise_meter import NoiseMeter
from agent.host.details import backhaul_bytes, machine_details
from agent.host.fields import Fields
from agent.host.kernel_clock import kernel_quality
from agent.host.supply import power_state, throttling
from agent.host.vitals import read_vitals
from agent.journal.alive import ALIVE_EVERY_US
from agent.journal.journal import FLUSH_EVERY_S, Journal
from agent.journal.recent import RECENT
from agent.libraries import structlog
from agent.link.mqtt import Link
from agent.observation import DataPathState
from agent.wire import reasons
from agent.wire.configuration import Configuration
from agent.wire.messages import Change, Heartbeat, Radio, TimeQuality
from agent.wire.reasons import Reason

CLOCK_STEP_US = 2_000_000
"""AVAILABILITY §1: times that differ by more are not the same clock."""
FIRST_BEAT_LIMIT_US = 15_000_000
"""A start of the radio takes 1.3 s of sleeps, a TLS session on a slow 4G line some seconds."""
FIRST_BEAT_LOOK_S = 0.2
USAGE_KEEP_EVERY = 60
"""Looks (of 30 s) between two writes of the month's bytes."""
_log = structlog.get_logger("agent")


def next_due(due_us: int, interval_us: int, now_us: int) -> tuple[int, int]:
    """Return when the next heartbeat is due, and how many were missed while this process stood still.

    The grid holds for ever (AVAILABILITY §1: uptime grows by one interval a number), so what was missed is
    numbered and not sent.

    >>> next_due(0, 30, 5), next_due(0, 30, 95)
    ((30, 0), (120, 3))
    """
    due_us += interval_us
    missed = max(0, (now_us - due_us + interval_us - 1) // interval_us) if now_us > due_us else 0
    return due_us + missed * interval_us, missed


class Reporting:
    """Reports the health of one gateway to link and journal."""

    def __init__(
        self,
        *,
        state: Path,
        clock: Clock,
        trust: Callable[[TimeQuality], None],
        journal: Journal,
        link: Link,
        snapshot: Callable[[], DataPathState],
        slow_backlog: Callable[[bool], None],
        running: Callable[[], tuple[int, Configuration]],
        noise_meter: NoiseMeter,
        more_details: Callable[[], Fields],
        more_reasons: Callable[[], dict[str, Reason]],
    ) -> None:
        self._state, self._clock, self._trust = state, clock, trust
        self._journal, self._link, self._snapshot = journal, link, snapshot
        self._running, self._more_details = running, more_details
        self._more_reasons = more_reasons
        self._noise_meter = noise_meter
        self._seq = 0
        self._vitals_session = 0
        self.power: str | None = None
        self._details_sent: DetailsSent | None = None
        self._slow_backlog = slow_backlog
        self._level = Level.NORMAL
        self.stopped: frozenset[TrafficKind] = frozenset()
        """What the month's cap stopped."""
        self._kept_bytes = 0
        self._usage_path = state / "usage.json"
        self.usage = self._load_usage()
        self._wall_minus_monotonic_us = clock.utc_us() - clock.monotonic_us()
        self._quality = clock.quality()

    def _load_usage(self) -> Usage:
        try:
            return msgspec.json.decode(self._usage_path.read_bytes(), type=Usage)
        except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
            return Usage(counter_bytes=backhaul_bytes())

    async def beat_on(self) -> None:
        """Send heartbeats at their interval, on a grid that does not drift, until cancelled."""
        await self._something_to_say()
        due_us = self._clock.monotonic_us()
        while True:
            await self._link.heartbeat(self.beat())
            interval_us = self._running()[1].intervals.heartbeat_s * 1_000_000
            due_us, missed = next_due(due_us, interval_us, self._clock.monotonic_us())
            self._seq += missed
            await asyncio.sleep(max(0.0, (due_us - self._clock.monotonic_us()) / 1_000_000))

    async def _something_to_say(self) -> None:
        """Wait until the radio receives and the fleet is there to hear it, ``FIRST_BEAT_LIMIT_US`` at most.

        The grid begins with the first heartbeat: one that says OFF because the radio is starting would be
        followed by the next an interval later only.
        """
        until_us = self._clock.monotonic_us() + FIRST_BEAT_LIMIT_US
        while self._clock.monotonic_us() < until_us:
            if self._snapshot().radio is Radio.RECEIVING and self._link.counts.sessions:
                return
            await asyncio.sleep(FIRST_BEAT_LOOK_S)

    def beat(self) -> Heartbeat:
        """Return the next heartbeat."""
        self._seq += 1
        version, running = self._running()
        self._link.heartbeat_s = running.intervals.heartbeat_s
        sessions = self._link.counts.sessions
        tell, self._vitals_session = (
            self._seq % VITALS_EVERY == 1 or sessions != self._vitals_session,
            sessions,
        )
        return heartbeat(
            self._snapshot(),
            read_vitals(self._state) if tell else None,
            boot=self._journal.boot,
            seq=self._seq,
            uptime_ms=self._journal.uptime_ms(),
            journal_seq=self._journal.journal_seq,
            at_us=self._clock.utc_us(),
            time_quality=self._clock.quality(),
            now_us=self._clock.monotonic_us(),
            config_version=version,
            interval_s=running.intervals.heartbeat_s,
            backhaul_rtt_ms=self._link.rtt_ms() if tell else None,
        )

    async def stay_alive(self) -> None:
        """Every 30 s: put down that we live, look at clock and bytes, until cancelled."""
        looks = 0
        while True:
            await asyncio.sleep(ALIVE_EVERY_US / 1_000_000)
            looks += 1
            self.look_at_clock(kernel_quality())
            self.look_at_power(power_state(throttling()))
            self._journal.still_alive()
            self.look_at_bytes(backhaul_bytes(), keep=looks % USAGE_KEEP_EVERY == 0)

    def look_at_clock(self, quality: TimeQuality) -> None:
        """Take in what the kernel says of its clock; record a step of UTC or a change of its quality."""
        self._trust(quality)
        offset = self._clock.utc_us() - self._clock.monotonic_us()
        step_us = offset - self._wall_minus_monotonic_us
        self._wall_minus_monotonic_us = offset
        if abs(step_us) > CLOCK_STEP_US:
            stepped = reasons.machine.clock_stepped(step_s=round(step_us / 1_000_000, 1))
            self._journal.record(Change.CLOCK, "clock", "STEPPED", stepped)
        before, self._quality = self._quality, self._clock.quality()
        if self._quality is not before:
            was = reasons.machine.clock_was(time_quality=before.name)
            self._journal.record(Change.CLOCK, "clock", self._quality.name, was)

    def look_at_power(self, state: str | None) -> None:
        """Record a change of the supply: under-voltage is how cabinets die slowly."""
        if state is not None and state != self.power:
            reason = None if self.power is None else reasons.machine.power_was(power=self.power)
            self._journal.record(Change.POWER, "supply", state, reason)
            self.power = state

    def look_at_bytes(self, counter_bytes: int, *, keep: bool) -> None:
        """Count the month's bytes, and stop what its cap stops, in the order of ``agent.health.usage``."""
        month = datetime.fromtimestamp(self._clock.utc_us() / 1_000_000, UTC).strftime("%Y-%m")
        self.usage = count(self.usage, month, counter_bytes)
        if keep or abs(self.usage.used_bytes - self._kept_bytes) >= KEEP_BYTES:
            self._kept_bytes = self.usage.used_bytes
            write_if_possible(self._usage_path, msgspec.json.encode(self.usage))
        reached = level(self.usage, self._running()[1].limits.month_bytes)
        if reached is self._level:
            return
        self._level, self.stopped = reached, stopped(reached)
        self._link.saving = TrafficKind.EVENTS in self.stopped
        self._slow_backlog(TrafficKind.BACKLOG in self.stopped)
        self._journal.record(Change.RECOVERY, "month_bytes", reached.name, why_stopped(self.stopped))

    def month_fields(self) -> Fields:
        """Return what the details say of the month's bytes."""
        fields: Fields = {"month_used_mb": self.usage.used_bytes // 1_000_000}
        cap_bytes = self._running()[1].limits.month_bytes
        if cap_bytes is None:
            return fields
        share = round(100 * self.usage.used_bytes / cap_bytes, 1)
        return fields | {
            "month_cap_mb": cap_bytes // 1_000_000,
            "month_used_percent": share,
            "month_level": self._level.value,
        }

    def month_stopped(self) -> Reason | None:
        """Return what the cap has stopped, or None while nothing is."""
        return why_stopped(self.stopped) if self.stopped else None

    async def flush_events(self) -> None:
        """Put events down in one transaction a second, away from the event loop, until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            if self._journal.waiting:
                await asyncio.to_thread(self._journal.flush)
            if RECENT.waiting:
                await asyncio.to_thread(RECENT.sync)

    async def tell_details(self) -> None:
        """Tell details every 15 minutes, and sooner when something changed, until cancelled."""
        while True:
            await self.look_at_details()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look_at_details(self) -> None:
        """Gather the details, and tell them if it is time or they changed by enough."""
        try:
            fields = await asyncio.to_thread(machine_details, self._state)
        except OSError as error:
            fields = {"error": str(error)[:200]}
        now_us = self._clock.monotonic_us()
        fields |= radio_fields(self._snapshot(), now_us) | self._more_details()
        await self._noise_meter.look(now_us)
        if self._noise_meter.dbm is not None:
            fields["noise_measured_dbm"] = self._noise_meter.dbm
        fields |= self.month_fields()
        fields["time_quality"] = self._clock.quality().name
        rtt_ms = self._link.rtt_ms()
        if rtt_ms is not None:
            fields["backhaul_rtt_ms"] = rtt_ms
        self._details_sent, because = judge(self._details_sent, fields, now_us)
        if because:
            stopped_by_cap = self.month_stopped()
            why = {} if stopped_by_cap is None else {"month_stopped": stopped_by_cap}
            self._note("details", fields | {"because": because}, self._more_reasons() | why)

    def _note(self, name: str, fields: Fields, why: dict[str, Reason]) -> None:
        _log.info(name, because=fields.get("because", ""), fields=len(fields))
        self._journal.note(name, fields, why)
