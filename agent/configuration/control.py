"""Carry out what the machine of configurations decides: slots, data path, link, journal, report."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.configuration.model import (
    Apply,
    ApplyFailed,
    ApplyGood,
    Arrived,
    Command,
    Event,
    KeepEnvelope,
    KeepRelease,
    Report,
    SaveLedger,
    State,
    Tick,
)
from agent.configuration.report import reported
from agent.configuration.slots import Slots
from agent.configuration.step import Now, goes_on, step
from agent.failures import reason_of
from agent.fleet_key import FleetKey
from agent.journal_port import JournalPort
from agent.libraries import structlog
from agent.timing.choice import OWN_TIME
from agent.wire import reasons
from agent.wire.configuration import Configuration, ReleaseConfig
from agent.wire.messages import Change, ConfigReported, ConfigState
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import HalError

_log = structlog.get_logger("agent")
TICK_S = 1.0
"""How late after its deadline a trial may end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRelease:
    """What a configuration asks for of releases."""

    release: ReleaseConfig
    is_waiting: bool = False
    """The configuration waits for it; else it runs."""
    signed_at_us: int = 0
    """When the fleet signed it: UTC is no earlier, whatever this machine's clock says."""


class ReleasesPort(Protocol):
    """The releases of the agent on this gateway (``agent.releases.control``)."""

    running: str
    """The release that this process is; empty: the base."""

    def here(self) -> frozenset[str]:
        """Return those that can be started."""
        ...

    def confirmed(self) -> None:
        """Keep what is on trial.

        Raises:
            OSError: the card.
        """
        ...


class CannotWrite(ReasonedError):
    """The disk refused a slot or the ledger."""


class ConfigurationControl:
    """The one place that changes what runs; ``running`` is it."""

    def __init__(
        self,
        state: State,
        running: Configuration,
        *,
        slots: Slots,
        clock: Clock,
        device: str,
        key: FleetKey,
        apply: Callable[[Configuration], Awaitable[None]],
        journal: JournalPort,
        changed: Callable[[], None],
        releases: "ReleasesPort",
    ) -> None:
        self.state = state
        self._good = running
        trial = state.trial if goes_on(state, running, releases.running) else None
        self.running = trial or running
        self._releases = releases
        self._slots = slots
        self._clock = clock
        self._device = device
        self._key = key
        self._apply = apply
        self._journal, self._changed = journal, changed
        self._applying = False
        self.disk_refusals = 0
        self._event_lock = asyncio.Lock()

    @property
    def version(self) -> int:
        """Return the version of the configuration that runs; while one is being applied, the last good one.

        A heartbeat proves the version that it names: none names one while older connectors still run, or
        while this process gives way to another release.
        """
        ledger = self.state.ledger
        wanted = self.running.release.wanted
        leaves = wanted not in (self._good.release.wanted, self._releases.running)
        return ledger.good.version if self._applying or leaves else ledger.runs.version

    def reported(self) -> ConfigReported:
        """Return the report that the fleet gets on connecting."""
        return reported(self.state, self._clock.utc_us())

    def release_asked(self) -> AskedRelease:
        """Return the release that the configuration that waits for one, else the good one, asks for."""
        waiting, held = self.state.waiting, self.state.ledger.waiting
        if self.state.fetching and waiting is not None and held is not None:
            at_us = self._slots.issued_at_us(held)
            return AskedRelease(release=waiting.release, is_waiting=True, signed_at_us=at_us)
        at_us = self._slots.issued_at_us(self.state.ledger.good)
        return AskedRelease(release=self._good.release, signed_at_us=at_us)

    async def arrived(self, payload: bytes) -> None:
        """Judge an envelope from the fleet and act on it."""
        await self.event(Arrived(payload=payload))

    async def run(self) -> None:
        """End trials when their time is up, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            await self.event(Tick())

    async def event(self, event: Event) -> None:
        """Decide and carry out; events wait for each other."""
        async with self._event_lock:
            pending: list[Event] = [event]
            while pending:
                before = self.state
                self.state, commands = step(before, pending.pop(0), self._now())
                for command in commands:
                    try:
                        failed = await self._carry_out(command)
                    except CannotWrite as error:
                        if any(isinstance(other, KeepEnvelope) for other in commands):
                            self._not_kept(before, error.why)
                            break
                        continue  # going back or standing still needs no disk: the next boot does the same
                    if failed is not None:
                        pending.append(failed)
                        break
                if self.state.ledger.trial is None:
                    self._good = self.running

    async def _carry_out(self, command: Command) -> ApplyFailed | None:
        match command:
            case KeepEnvelope() | SaveLedger():
                self._write(command)
            case Apply():
                try:
                    await self._run(command.configuration)
                except (HalError, ValueError, OSError) as error:
                    return ApplyFailed(sha256=command.sha256, why=reason_of(error))
            case ApplyGood():
                await self._run(self._good)
            case KeepRelease():
                self._write(command)
            case Report():
                self._report(command.reported)
        return None

    def _write(self, command: KeepEnvelope | SaveLedger | KeepRelease) -> None:
        try:
            match command:
                case KeepEnvelope():
                    self._slots.keep(command.slot, command.envelope)
                case SaveLedger():
                    self._slots.save(command.ledger)
                case KeepRelease():
                    self._releases.confirmed()
        except OSError as error:
            self.disk_refusals += 1
            raise CannotWrite(reasons.card.not_written(cause=reason_of(error))) from error

    def _not_kept(self, before: State, why: Reason) -> None:
        """Try no document that is not on disk: what ran before goes on, and the fleet gets a report."""
        ledger = msgspec.structs.replace(before.ledger, last="refused", reason="", why=why)
        self.state = replace(before, ledger=ledger)
        self._report(self.reported())

    async def _run(self, configuration: Configuration) -> None:
        self.running, self._applying = configuration, True
        try:
            await self._apply(configuration)
        finally:
            self._applying = False

    def _report(self, reported: ConfigReported) -> None:
        state = ConfigState(reported.state).name
        self._journal.record(Change.CONFIGURATION, f"v{reported.seen_version}", state, reported.why)
        _log.info("configuration", version=reported.version, state=state, reason=str(reported.why or ""))
        self._changed()

    def _now(self) -> Now:
        return Now(
            monotonic_us=self._clock.monotonic_us(),
            utc_us=self._clock.utc_us(),
            utc_trusted=self._clock.quality() in OWN_TIME,
            device=self._device,
            key=self._key,
            release=self._releases.running,
            releases=self._releases.here(),
            good=self._good,
        )
