"""What each command does on this gateway."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, Protocol

from agent.clock import Clock
from agent.commands.onsite import OnsiteCode
from agent.commands.runner import CommandFailed, Perform
from agent.commands.testframes import TestFrames
from agent.enrol.client import renew_once
from agent.enrol.http import NoHttp, download, upload
from agent.failures import reason_of_fault
from agent.hearing.noise_meter import SCANNED_HZ, floor_dbm
from agent.host.machine import CannotReboot, reboot_machine
from agent.identity import Identity
from agent.journal.recent import RecentLog
from agent.journal_port import JournalPort
from agent.supervisor.leaving import Leave
from agent.wire import reasons
from agent.wire.command import Action, Command
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason
from hal.packets import ConcentratorStatus
from hal.ports import Concentrator

SPEED_TEST_PATH = "/api/v1/speed"
"""Half of the limit is drawn from it, half is sent to it."""
REPLY_FIRST_S = 1.0
"""The restart waits so long after the answer, so that the answer is out."""


class RadioPort(Protocol):
    """What commands ask of the radio."""

    def restart_radio(self, why: Reason) -> None: ...

    def on_radio(self, job: Callable[[Concentrator], Any]) -> "Future[Any]":
        """Run ``job`` in the radio thread, between two fetches."""
        ...


class Actions:
    """The closed list, bound to this gateway."""

    def __init__(
        self,
        *,
        radio: RadioPort,
        order: WorkOrder,
        identity: Identity,
        clock: Clock,
        log: RecentLog,
        test_frames: TestFrames,
        onsite: OnsiteCode,
        bulk_allowed: Callable[[], bool],
        journal: JournalPort,
        leave: Callable[[Leave], None],
        link_renewed: Callable[[], None],
    ) -> None:
        self._radio, self._order, self._identity = radio, order, identity
        self._clock, self._log, self._journal = clock, log, journal
        self._test_frames, self._onsite, self._bulk_allowed = test_frames, onsite, bulk_allowed
        self._leave, self._link_renewed = leave, link_renewed

    def table(self) -> Mapping[Action, Perform]:
        """Return every action; one that is missing here would be one that nobody can ask for."""
        return {
            Action.RESTART: self._restart,
            Action.RESET_CONCENTRATOR: self._reset_concentrator,
            Action.SPECTRAL_SCAN: self._spectral_scan,
            Action.SELF_TEST: self._self_test,
            Action.LOG_EXCERPT: self._log_excerpt,
            Action.SPEED_TEST: self._speed_test,
            Action.REBOOT: self._reboot,
            Action.ROTATE_KEY: self._rotate_key,
            Action.SEND_TEST_FRAME: self._test_frames.send,
            Action.HEAR_TEST_FRAME: self._test_frames.hear,
            Action.SHOW_CODE: self._onsite.show,
        }

    async def _restart(self, _: Command) -> Reason:
        self._leave_soon(Leave(reasons.ending.restart_commanded()))
        return reasons.command.restarting()

    async def _reboot(self, _: Command) -> Reason:
        try:
            await asyncio.to_thread(reboot_machine)
        except CannotReboot as error:
            raise CommandFailed(error.why) from error
        self._leave_soon(Leave(reasons.ending.reboot_commanded(), reboot=True))
        return reasons.command.rebooting()

    def _leave_soon(self, leave: Leave) -> None:
        asyncio.get_running_loop().call_later(REPLY_FIRST_S, self._leave, leave)

    async def _reset_concentrator(self, _: Command) -> Reason:
        self._radio.restart_radio(reasons.radio.reset_commanded())
        return reasons.command.concentrator_restarts()

    async def _self_test(self, _: Command) -> Reason:
        status = await asyncio.wrap_future(self._radio.on_radio(lambda chip: chip.status()))
        tested = self_test_of(status)
        if not (status.receiving and status.agc_parity_ok and status.arb_parity_ok):
            fault = reasons.radio.not_receiving() if status.fault is None else reason_of_fault(status.fault)
            raise CommandFailed(reasons.command.self_test_failed(cause=tested, fault=fault))
        return tested

    async def _spectral_scan(self, _: Command) -> Reason:
        floors = []
        for frequency in SCANNED_HZ:
            floor = await asyncio.wrap_future(self._radio.on_radio(partial(floor_dbm, frequency)))
            floors.append(f"{frequency / 1e6:.1f}: {floor:.0f}")
        return reasons.command.noise_floors(floors=", ".join(floors))

    async def _log_excerpt(self, command: Command) -> Reason:
        lines = self._log.newest(command.lines)
        for index, line in enumerate(lines):
            self._journal.note("log_line", {"line": index, "text": line})
        return reasons.command.lines_follow(lines=len(lines))

    async def _speed_test(self, command: Command) -> Reason:
        if not self._bulk_allowed():
            raise CommandFailed(reasons.command.month_used_up())
        half = command.limit_bytes // 2
        order, now_us = self._order, self._clock.monotonic_us
        try:
            down = await asyncio.to_thread(
                download,
                order.enrol_url,
                f"{SPEED_TEST_PATH}?bytes={half}",
                ca_pem=order.fleet_ca_pem,
                limit_bytes=half,
                now_us=now_us,
            )
            up = await asyncio.to_thread(
                upload,
                order.enrol_url,
                SPEED_TEST_PATH,
                ca_pem=order.fleet_ca_pem,
                count=half,
                now_us=now_us,
            )
        except NoHttp as error:
            raise CommandFailed(error.why) from error
        for transfer in (down, up):
            if transfer.status != 200:
                refused = reasons.command.speed_not_served(path=SPEED_TEST_PATH, http_status=transfer.status)
                raise CommandFailed(refused)
        return reasons.command.speed(
            down_kbit_per_s=down.kbit_per_s, up_kbit_per_s=up.kbit_per_s, each_bytes=half
        )

    async def _rotate_key(self, _: Command) -> Reason:
        outcome, why = await renew_once(self._order, self._identity, new_key=True)
        if why is not None:
            raise CommandFailed(reasons.enrolment.failed(outcome=outcome.value, cause=why))
        self._link_renewed()
        return reasons.command.new_key()


def self_test_of(status: ConcentratorStatus) -> Reason:
    """Return what the concentrator says of itself."""
    celsius = status.temperature_c
    return reasons.command.self_test(
        counter_us=int(status.counter_us),
        agc_status=f"{status.agc_status:#04x}",
        agc_parity="ok" if status.agc_parity_ok else "lost",
        arb_parity="ok" if status.arb_parity_ok else "lost",
        temperature=reasons.command.no_temperature()
        if celsius is None
        else reasons.command.temperature(temperature_c=celsius),
    )
