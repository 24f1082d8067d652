"""One gateway put together: settings, identity, configuration, radio, link; the only place that knows all.

The radio starts before the fleet is asked for anything, because it depends on no server.
"""

import asyncio
import secrets
from pathlib import Path
from typing import Any

from agent.acceptance.acceptance import Acceptance, Parts
from agent.acceptance.routes import AcceptanceRoutes
from agent.clock import SystemClock
from agent.commands.actions import Actions
from agent.commands.onsite import OnsiteCode
from agent.commands.runner import CommandRunner
from agent.commands.testframes import TestFrames
from agent.configuration.boot import open_state
from agent.configuration.control import ConfigurationControl
from agent.configuration.model import Booted
from agent.configuration.slots import Slots
from agent.enrol.client import EnrolmentKeeper
from agent.enrol.settings import load_settings
from agent.fleet_key import FleetKey
from agent.health.reporting import Reporting
from agent.health.usage import TrafficKind
from agent.hearing.noise_meter import NoiseMeter
from agent.host.card import card_fields
from agent.host.fields import Fields
from agent.host.kernel_clock import kernel_quality
from agent.host.machine import ServiceNotifier
from agent.host.vitals import read_vitals
from agent.identity import Identity
from agent.journal.ending import look_back
from agent.journal.journal import Journal
from agent.journal.recent import RECENT
from agent.link.mqtt import Link
from agent.ports import DataPathPort, MakeDataPath
from agent.releases.control import ReleaseControl
from agent.status.gather import More, gather
from agent.status.page import StatusPage
from agent.status.status import ReleaseStatus, Status, serve_status
from agent.supervisor.leaving import Leave
from agent.supervisor.network_tools import NetworkTools
from agent.supervisor.watch import Supervisor, Watchdog
from agent.wire import reasons
from agent.wire.acceptance import UPLOAD_LIMIT_BYTES
from agent.wire.configuration import Configuration
from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope
from agent.wire.messages import Change
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason

__all__ = ["Agent", "DataPathPort", "MakeDataPath"]

BOOT_BITS = 63


class Agent:
    """One gateway's agent on one state folder."""

    card: Reason | None = None
    """Why this works in memory instead of on its card; None: it does not."""
    _left: "asyncio.Future[Leave] | None" = None

    def __init__(
        self, *, state: Path, image: Path | None, clock: SystemClock, make_datapath: MakeDataPath
    ) -> None:
        state.mkdir(parents=True, exist_ok=True)
        clock.trust(kernel_quality())
        self.state, self.clock = state, clock
        order = load_settings(state, image)
        self.identity = Identity(state / "identity", eui=order.eui)
        self.identity.trust(order.fleet_ca_pem)
        self.journal = Journal(
            state / "journal", boot=secrets.randbits(BOOT_BITS), clock=clock, ended=look_back(state)
        )
        self.journal.keep_lines(RECENT, state / "journal")
        self.service = ServiceNotifier()
        key = FleetKey(bytes.fromhex(order.fleet_public_key))
        self.releases = self._make_releases(order)
        self.control = self._make_control(order, key)
        running = self.control.running
        self.datapath = make_datapath(order, running, self.journal.boot, self.journal)
        self.link = self._make_link(running)
        self.keeper = EnrolmentKeeper(
            order,
            self.identity,
            self.link,
            state=state,
            image=image,
            clock=clock,
            needs_certificate=running.fleet.tls,
            journal=self.journal,
        )
        self.test_frames = TestFrames(state=state, radio=self.datapath, clock=clock, journal=self.journal)
        self.onsite = OnsiteCode(identity=self.identity, clock=clock)
        self.commands = self._make_commands(order, key)
        self.noise_meter = NoiseMeter(self.datapath.on_radio, self.datapath.noise_measured)
        self.supervisor = self._make_supervisor()
        self.reporting = Reporting(
            state=state,
            clock=clock,
            trust=clock.trust,
            journal=self.journal,
            link=self.link,
            snapshot=self.datapath.snapshot,
            slow_backlog=self.datapath.slow_backlog,
            running=lambda: (self.control.version, self.control.running),
            noise_meter=self.noise_meter,
            more_details=self._details,
            more_reasons=self._reasons,
        )

    def _make_releases(self, order: WorkOrder) -> ReleaseControl:
        return ReleaseControl(
            state=self.state, order=order, clock=self.clock, journal=self.journal, leave=self._leave
        )

    def _make_control(self, order: WorkOrder, key: FleetKey) -> ConfigurationControl:
        slots = Slots(self.state / "configuration", device=order.eui, key=key)
        state, good, damage = open_state(slots, order)
        if damage is not None:
            self.journal.record(Change.CONFIGURATION, "slots", "DAMAGED", damage)
        return ConfigurationControl(
            state,
            good,
            slots=slots,
            clock=self.clock,
            device=order.eui,
            key=key,
            apply=self._apply,
            journal=self.journal,
            changed=self._report,
            releases=self.releases,
        )

    def _make_link(self, running: Configuration) -> Link:
        return Link(
            identity=self.identity,
            boot=self.journal.boot,
            fleet=running.fleet,
            outbox=self.journal.outbox,
            clock=self.clock,
            desired=self.control.arrived,
            command=self._signed_message,
            neighbours=self.datapath.neighbours_delivered,
            reported=self.control.reported,
        )

    def _make_commands(self, order: WorkOrder, key: FleetKey) -> CommandRunner:
        actions = Actions(
            radio=self.datapath,
            order=order,
            identity=self.identity,
            clock=self.clock,
            log=RECENT,
            bulk_allowed=self._may_draw_much,
            test_frames=self.test_frames,
            onsite=self.onsite,
            journal=self.journal,
            leave=self._leave,
            link_renewed=self.link.reconnect,
        )
        return CommandRunner(
            state=self.state,
            device=order.eui,
            key=key,
            clock=self.clock,
            actions=actions.table(),
            reply=self.link.reply,
            journal=self.journal,
        )

    def _make_supervisor(self) -> Supervisor:
        return Supervisor(
            state=self.state,
            clock=self.clock,
            snapshot=self.datapath.snapshot,
            link=self.link,
            on_trial=self._on_trial,
            backhaul_tools=NetworkTools(),
            restart_radio=self.datapath.restart_radio,
            test_frames=self.test_frames.suspicion,
            measured_dbm=lambda: self.noise_meter.dbm,
            journal=self.journal,
            leave=self._leave,
        )

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            Leave: the process shall begin again, or the machine reboots.
        """
        self._left = asyncio.get_running_loop().create_future()
        try:
            await self.control.event(Booted())
            self.releases.settle(self.control.running.release.wanted, on_trial=self._on_trial())
            async with asyncio.TaskGroup() as tasks:
                for work in self._work():
                    tasks.create_task(work)
                self.service.ready(f"{self.keeper.order.eui} {self.keeper.order.site}")
        except asyncio.CancelledError:
            self._stop(reasons.ending.asked_to_stop())
            raise
        except BaseExceptionGroup as group:
            left, rest = group.split(Leave)
            if left is None or rest is not None:
                raise
            leave = next(error for error in left.exceptions if isinstance(error, Leave))
            self._stop(leave.why)
            raise leave from None

    def _work(self) -> "tuple[Any, ...]":
        parts = Parts(self.datapath, self.noise_meter, self.test_frames, self.control)
        acceptance = Acceptance(self.state, self.keeper.order, self.identity, self.clock, parts)
        return (
            self.datapath.run(),
            self.control.run(),
            self.releases.run(self.control.release_asked, self._may_fetch),
            self.commands.run(),
            self.supervisor.run(),
            self.reporting.beat_on(),
            self.reporting.stay_alive(),
            self.reporting.tell_details(),
            self.reporting.flush_events(),
            self.keeper.run(),
            Watchdog(self.service, snapshot=self.datapath.snapshot, on_radio=self.datapath.on_radio).run(),
            acceptance.run(),
            StatusPage(self.status, AcceptanceRoutes(acceptance, self.clock).answer, UPLOAD_LIMIT_BYTES).run(
                lambda: self.control.running
            ),
            self._wait_to_leave(),
            serve_status(self.state, self.status),
        )

    def _report(self) -> None:
        self.link.report()

    def _on_trial(self) -> bool:
        return self.control.state.ledger.trial is not None

    def _may_draw_much(self) -> bool:
        return TrafficKind.BULK not in self.reporting.stopped

    def _may_fetch(self) -> bool:
        """Return whether a release may be brought: within the month's cap, and to the card alone."""
        return self._may_draw_much() and self.card is None

    def _stop(self, reason: Reason) -> None:
        self.service.stopping()
        self.journal.stop(reason)

    def _leave(self, leave: Leave) -> None:
        if self._left is not None and not self._left.done():
            self._left.set_result(leave)

    async def _wait_to_leave(self) -> None:
        assert self._left is not None
        raise await self._left

    def status(self) -> Status:
        """Return the facts for one screen."""
        return gather(
            self.keeper.order,
            self.datapath.snapshot(),
            self.keeper.enrolment,
            self.control.reported(),
            vitals=read_vitals(self.state),
            link=self.link,
            journal=self.journal,
            clock=self.clock,
            certificate_expires_at_us=(self.identity.validity_us() or (0, None))[1],
            more=More(
                hearing=self.supervisor.hearing.grounds(),
                power=self.reporting.power or "",
                month=self.reporting.month_fields(),
                month_stopped=self.reporting.month_stopped(),
                gnss=self._gnss(),
                release=ReleaseStatus(fields=self.releases.fields(), reason=self.releases.why),
                card=self.card,
                onsite=self.onsite.now(),
            ),
        )

    def _gnss(self) -> Fields:
        gnss = self.datapath.gnss()
        return {} if gnss is None else gnss.fields()

    def _reasons(self) -> dict[str, Reason]:
        gnss, found = self.datapath.gnss(), self.releases.reasons()
        return found if gnss is None or gnss.reason is None else found | {"gnss_reason": gnss.reason}

    def _details(self) -> Fields:
        validity = self.identity.validity_us()
        fields = self.journal.outbox.fields() | card_fields(self.card)
        fields |= {f"envelopes_{name}_count": number for name, number in self.control.state.counts}
        if validity is not None:
            fields["certificate_days"] = (validity[1] - self.clock.utc_us()) // 86_400_000_000
        fields |= self._gnss() | self.releases.fields()
        counters = self.datapath.snapshot().counters
        return fields | {name: number for name, number in counters.items() if number}

    async def _apply(self, configuration: Configuration) -> None:
        if self.releases.want(configuration.release.wanted, on_trial=self._on_trial()):
            return
        self.link.move(configuration.fleet)
        await self.datapath.reconfigure(configuration)

    async def _signed_message(self, command_id: str, payload: bytes) -> None:
        """Hand a signed word to who decides about its kind; what is none is refused as a command."""
        try:
            kind = decode_envelope(payload).kind
        except EnvelopeRefused:
            kind = EnvelopeKind.COMMAND
        if kind in (EnvelopeKind.CONFIRMATION, EnvelopeKind.PERMIT):
            await self.control.arrived(payload)
        else:
            self.commands.arrived(command_id, payload)
