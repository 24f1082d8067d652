"""Look every ten seconds, decide, and carry out recoveries; the only loop that restarts anything."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import msgspec

from agent.clock import Clock
from agent.durable import write_if_possible
from agent.hearing.suspicion import Hearing, Learned
from agent.host.machine import CannotReboot, reboot_machine
from agent.journal_port import JournalPort
from agent.libraries import structlog
from agent.observation import DataPathState
from agent.supervisor.budget import Budgets
from agent.supervisor.leaving import Leave
from agent.supervisor.network_tools import BackhaulTools, StageImpossible
from agent.supervisor.step import Facts, Recover, Skipped, Stage, State, step
from agent.wire import reasons
from agent.wire.messages import Change, Radio
from agent.wire.reasons import Reason
from hal.ports import Concentrator

_log = structlog.get_logger("agent")
LOOK_EVERY_S = 10.0
RADIO_ANSWER_S = 20.0
"""Within this the radio thread must serve a question, or the watchdog is not fed."""
KEEP_EVERY_US = 1_800_000_000
"""What was learned and the budgets that came back are written so often."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What supervision remembers across restarts."""

    budgets: Budgets = Budgets()
    learned: Learned = Learned()
    silence_tried: int = 0
    """Stages tried in the silence that lasts; a frame ends it."""
    less_tried: int = 0


class ServicePort(Protocol):
    """What the watchdog asks of the service manager; ``agent.host.machine.ServiceNotifier`` on a gateway."""

    @property
    def watchdog_s(self) -> float | None:
        """Seconds within which it must be fed; None where nothing watches."""
        ...

    def working(self) -> None: ...


class Watchdog:
    """Feeds the service manager's watchdog while event loop and radio thread both answer."""

    def __init__(
        self,
        service: ServicePort,
        *,
        snapshot: Callable[[], DataPathState],
        on_radio: Callable[[Callable[[Concentrator], bool]], "Future[Any]"],
        radio_answer_s: float = RADIO_ANSWER_S,
    ) -> None:
        self._service, self._snapshot, self._on_radio = service, snapshot, on_radio
        self._radio_answer_s = radio_answer_s

    async def run(self) -> None:
        """Feed until cancelled; a loop that turns alone proves nothing, so the radio thread is asked."""
        period_s = self._service.watchdog_s
        if period_s is None:
            return
        while True:
            if await self._radio_answers():
                self._service.working()
                await asyncio.sleep(period_s / 3)
            else:
                _log.error("radio thread hangs, the watchdog is not fed")

    async def _radio_answers(self) -> bool:
        if self._snapshot().radio is not Radio.RECEIVING:
            return True
        answer = asyncio.wrap_future(self._on_radio(lambda _: True))
        await asyncio.wait({answer}, timeout=self._radio_answer_s)
        if answer.done():
            answer.exception()  # a radio that answers with its failure does not hang
        return answer.done()


class LinkPort(Protocol):
    """What supervision asks of the link."""

    @property
    def lost_since_us(self) -> int | None: ...


class Supervisor:
    """Recoveries of one gateway."""

    def __init__(
        self,
        *,
        state: Path,
        clock: Clock,
        snapshot: Callable[[], DataPathState],
        link: LinkPort,
        on_trial: Callable[[], bool],
        backhaul_tools: BackhaulTools,
        restart_radio: Callable[[Reason], None],
        test_frames: Callable[[], Reason | None],
        measured_dbm: Callable[[], float | None],
        journal: JournalPort,
        leave: Callable[[Leave], None],
    ) -> None:
        self._path = state / "supervisor.json"
        kept = self._load()
        self.state = State(budgets=kept.budgets, silence_tried=kept.silence_tried, less_tried=kept.less_tried)
        self.hearing = Hearing(
            learned=kept.learned,
            clock=clock,
            journal=journal,
            test_frames=test_frames,
            measured_dbm=measured_dbm,
        )
        self._clock, self._snapshot, self._link, self._on_trial = clock, snapshot, link, on_trial
        self._backhaul_tools = backhaul_tools
        self._restart_radio, self._journal, self._leave = restart_radio, journal, leave
        self._kept_at_us = clock.monotonic_us()

    def _load(self) -> Kept:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Kept)
        except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
            return Kept()

    async def run(self) -> None:
        """Look and act until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Look once."""
        now_us = self._clock.monotonic_us()
        facts = self.facts()
        if self.hearing.frame_since_last_look:
            self.state = replace(self.state, silence_tried=0)
        self.state, commands = step(self.state, facts, now_us)
        if facts.silent is not None:
            self.hearing.acted()
        if commands or now_us - self._kept_at_us >= KEEP_EVERY_US:
            self._kept_at_us = now_us
            kept = Kept(
                budgets=self.state.budgets,
                learned=self.hearing.learned,
                silence_tried=self.state.silence_tried,
                less_tried=self.state.less_tried,
            )
            write_if_possible(self._path, msgspec.json.encode(kept))
        for command in commands:
            if isinstance(command, Skipped):
                self._journal.record(Change.RECOVERY, command.stage.value, "SKIPPED", command.reason)
            else:
                await self._recover(command)

    def facts(self) -> Facts:
        """Return what is seen at this instant, learning by the hour on the way."""
        path = self._snapshot()
        self.hearing.look(path, learning=not self.state.silence_tried)
        return Facts(
            radio=path.radio,
            radio_since_us=path.radio_since_us,
            silent=self.hearing.silent,
            less=self.hearing.less,
            backhaul_lost_since_us=self._backhaul_lost(path),
            on_trial=self._on_trial(),
            board_refused=path.radio_reason.code == "radio.other_gateway",
        )

    def _backhaul_lost(self, path: DataPathState) -> int | None:
        lost = self._link.lost_since_us
        if lost is None or any(connector.up for connector in path.connectors):
            return None
        answers = [
            connector.last_answer_us for connector in path.connectors if connector.last_answer_us is not None
        ]
        return max([lost, *answers])

    async def _recover(self, command: Recover) -> None:
        stage = command.stage
        self._journal.record(Change.RECOVERY, stage.value, "STARTED", command.reason)
        try:
            if stage is Stage.RESTART_RADIO:
                self._restart_radio(command.reason)
            elif stage is Stage.RESTART_PROCESS:
                self._leave(Leave(reasons.ending.recovered(cause=command.reason)))
            elif stage is Stage.REBOOT:
                await asyncio.to_thread(reboot_machine)
                self._leave(Leave(reasons.ending.recovered(cause=command.reason), reboot=True))
            else:
                done = await asyncio.to_thread(self._backhaul_tools.carry_out, stage)
                self._journal.record(Change.RECOVERY, stage.value, "DONE", done)
        except (StageImpossible, CannotReboot) as error:
            self._journal.record(Change.RECOVERY, stage.value, "FAILED", error.why)
