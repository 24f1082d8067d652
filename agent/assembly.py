"""One gateway put together: settings, identity, configuration, radio, link; the only place that knows all.

The radio starts before the fleet is asked for anything, because it depends on no server.
"""

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.clock import SystemClock
from agent.configuration.control import ConfigurationControl
from agent.configuration.model import Booted, State
from agent.configuration.slots import Slots
from agent.enrol.client import enrol, load_enrolment
from agent.enrol.identity import Identity
from agent.enrol.settings import load_settings, wipe_token
from agent.enrol.step import Enrolment
from agent.evidence.observation import DataPathState, Observed
from agent.health.beat import VITALS_EVERY, heartbeat
from agent.health.screen import gather
from agent.health.status import Status, serve_status
from agent.health.timesync import kernel_quality
from agent.health.vitals import read_vitals
from agent.journal.alive import ALIVE_EVERY_US
from agent.journal.journal import Journal
from agent.link.mqtt import Link
from agent.supervisor.notify import ServiceManager
from agent.wire.configuration import Configuration
from agent.wire.envelope import EnvelopeRefused, Kind, decode_envelope
from agent.wire.messages import Change, ConfigReported, ConfigState, Heartbeat, TimeQuality
from agent.wire.order import WorkOrder

_log = structlog.get_logger("agent")
BOOT_BITS = 63


def version_of(order: WorkOrder) -> int:
    """Return the version of the configuration that a work order carries."""
    return decode_envelope(order.configuration).version


class DataPathPort(Protocol):
    """What the control path asks of the data path; ``agent.gateway_radio`` on a gateway."""

    async def run(self) -> None: ...

    def snapshot(self) -> DataPathState: ...

    async def reconfigure(self, configuration: Configuration) -> None: ...

    def restart_radio(self, reason: str) -> None: ...


class MakeDataPath(Protocol):
    """Builds the data path once the settings are known."""

    def __call__(
        self, order: WorkOrder, configuration: Configuration, boot: int, observe: Callable[[Observed], None]
    ) -> DataPathPort: ...


class Agent:
    """One gateway's agent on one state folder."""

    def __init__(
        self, *, state: Path, image: Path | None, clock: SystemClock, make_datapath: MakeDataPath
    ) -> None:
        self.state, self.image, self.clock = state, image, clock
        state.mkdir(parents=True, exist_ok=True)
        clock.trust(kernel_quality())
        self.order = load_settings(state, image)
        self.identity = Identity(state / "identity", eui=self.order.eui)
        self.enrolment = load_enrolment(state)
        self.journal = Journal(state / "journal", boot=secrets.randbits(BOOT_BITS), clock=clock)
        self.manager = ServiceManager()
        self._heartbeats = 0
        self.control = self._control()
        running = self.control.running
        self.datapath = make_datapath(self.order, running, self.journal.boot, self.journal.observe)
        self.link = Link(
            identity=self.identity,
            boot=self.journal.boot,
            fleet=running.fleet,
            outbox=self.journal.outbox,
            clock=clock,
            desired=self.control.arrived,
            command=self._command,
            reported=self.control.reported,
        )

    def _control(self) -> ConfigurationControl:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.order.fleet_public_key))
        slots = Slots(self.state / "configuration", device=self.order.eui, key=key)
        trusted = self.clock.quality() is not TimeQuality.UNTRUSTED
        ledger = slots.ledger()
        if ledger is None or (self.order.token and ledger.seen_version < version_of(self.order)):
            now_us = self.clock.utc_us() if trusted else None
            ledger = slots.begin(self.order.configuration, now_us=now_us)
        return ConfigurationControl(
            State(ledger=ledger, waiting=slots.load(ledger.waiting) if ledger.waiting else None),
            slots.load(ledger.good),
            slots=slots,
            clock=self.clock,
            device=self.order.eui,
            key=key,
            apply=self._apply,
            report=self._report,
        )

    async def run(self) -> None:
        """Serve until cancelled."""
        try:
            await self.control.event(Booted())
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.datapath.run(), name="datapath")
                tasks.create_task(self.control.run(), name="configuration")
                tasks.create_task(self._beat_on(), name="heartbeat")
                tasks.create_task(self._stay_alive(), name="alive")
                tasks.create_task(self._enrol_and_link(), name="link")
                tasks.create_task(serve_status(self.state, self.status), name="status")
                self.manager.ready(f"{self.order.eui} {self.order.site}")
        except asyncio.CancelledError:
            self.manager.stopping()
            self.journal.stop("asked to stop")
            raise

    def status(self) -> Status:
        """Return the facts for one screen."""
        return gather(
            self.order,
            self.datapath.snapshot(),
            self.enrolment,
            self.control.reported(),
            vitals=read_vitals(self.state),
            link=self.link,
            journal=self.journal,
            clock=self.clock,
            certificate_expires_at_us=self.identity.expires_at_us(),
        )

    async def _apply(self, configuration: Configuration) -> None:
        self.link.move(configuration.fleet)
        await self.datapath.reconfigure(configuration)

    def _report(self, reported: ConfigReported) -> None:
        state = ConfigState(reported.state).name
        self.journal.record(Change.CONFIGURATION, f"v{reported.seen_version}", state, reported.reason)
        _log.info("configuration", version=reported.version, state=state, reason=reported.reason)
        self.link.report()

    async def _command(self, command_id: str, payload: bytes) -> None:
        try:
            kind = decode_envelope(payload).kind
        except EnvelopeRefused as refused:
            _log.warning("command refused", command=command_id, reason=str(refused))
            return
        if kind is Kind.CONFIRMATION:
            await self.control.arrived(payload)
            return
        _log.warning("command refused", command=command_id, reason=f"{kind} is not served")

    async def _enrol_and_link(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            ready = self.identity.enrolled and not self.order.token
            if ready or not self.control.running.fleet.tls:
                tasks.create_task(self.link.run())
            if ready:
                return
            await enrol(
                self.order, self.identity, state=self.state, clock=self.clock, tell=self._enrolment_changed
            )
            self.order = wipe_token(self.state, self.image, self.order)
            if self.control.running.fleet.tls:
                tasks.create_task(self.link.run())

    def _enrolment_changed(self, enrolment: Enrolment) -> None:
        self.enrolment = enrolment
        _log.info("enrolment", outcome=str(enrolment.outcome), reason=enrolment.reason)

    async def _beat_on(self) -> None:
        due_us = self.clock.monotonic_us()
        while True:
            await self.link.heartbeat(self._beat())
            due_us += self.control.running.intervals.heartbeat_s * 1_000_000
            await asyncio.sleep(max(0.0, (due_us - self.clock.monotonic_us()) / 1_000_000))

    def _beat(self) -> Heartbeat:
        self._heartbeats += 1
        return heartbeat(
            self.datapath.snapshot(),
            read_vitals(self.state) if self._heartbeats % VITALS_EVERY == 1 else None,
            boot=self.journal.boot,
            seq=self._heartbeats,
            uptime_ms=self.journal.uptime_ms(),
            journal_seq=self.journal.journal_seq,
            at_us=self.clock.utc_us(),
            time_quality=self.clock.quality(),
            now_us=self.clock.monotonic_us(),
            config_version=self.control.version,
            interval_s=self.control.running.intervals.heartbeat_s,
        )

    async def _stay_alive(self) -> None:
        while True:
            await asyncio.sleep(ALIVE_EVERY_US / 1_000_000)
            self.clock.trust(kernel_quality())
            self.journal.still_alive()
