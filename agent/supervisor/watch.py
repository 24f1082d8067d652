"""Look every ten seconds, decide, and carry out recoveries; the only loop that restarts anything."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.durable import write_if_possible
from agent.evidence.observation import DataPathState
from agent.health.expectation import HOUR_US, Past, learn, suspicion
from agent.supervisor.budget import Budgets
from agent.supervisor.leaving import Leave
from agent.supervisor.machine import CannotReboot, reboot_machine
from agent.supervisor.means import NoMeans, carry_out
from agent.supervisor.step import Facts, Recover, Skipped, Stage, State, step
from agent.wire.messages import Change, Radio, TimeQuality

LOOK_EVERY_S = 10.0
KEEP_EVERY_US = 1_800_000_000
"""Between two writes of what was learned and of the budgets that came back."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What supervision remembers across restarts."""

    budgets: Budgets = Budgets()
    past: Past = Past()


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
        restart_radio: Callable[[str], None],
        record: Callable[[Change, str, str, str], None],
        leave: Callable[[Leave], None],
    ) -> None:
        self._path = state / "supervisor.json"
        kept = self._load()
        self.state, self.past = State(budgets=kept.budgets), kept.past
        self._clock, self._snapshot, self._link, self._on_trial = clock, snapshot, link, on_trial
        self._restart_radio, self._record, self._leave = restart_radio, record, leave
        self._kept_at_us = clock.monotonic_us()
        self._hour = _Hour()
        self._heard_total = 0
        self._heard_at_us = clock.utc_us()

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
        self.state, commands = step(self.state, self.facts(), now_us)
        if commands or now_us - self._kept_at_us >= KEEP_EVERY_US:
            self._kept_at_us = now_us
            kept = Kept(budgets=self.state.budgets, past=self.past)
            write_if_possible(self._path, msgspec.json.encode(kept))
        for command in commands:
            if isinstance(command, Skipped):
                self._record(Change.RECOVERY, command.stage.value, "SKIPPED", command.reason)
            else:
                await self._recover(command)

    def facts(self) -> Facts:
        """Return what is seen at this instant, learning frames by the hour on the way."""
        path = self._snapshot()
        return Facts(
            radio=path.radio,
            radio_since_us=path.radio_since_us,
            suspected_deaf=self._listen(path),
            backhaul_lost_since_us=self._backhaul_lost(path),
            on_trial=self._on_trial(),
        )

    def _backhaul_lost(self, path: DataPathState) -> int | None:
        lost = self._link.lost_since_us
        if lost is None or any(connector.up for connector in path.connectors):
            return None
        answers = [one.last_answer_us for one in path.connectors if one.last_answer_us is not None]
        return max([lost, *answers])

    def _listen(self, path: DataPathState) -> str:
        """Learn whole hours in which the radio received, and judge silence; needs a trusted clock."""
        utc_us, total = self._clock.utc_us(), path.received + path.crc_failed
        if total != self._heard_total or path.radio is not Radio.RECEIVING:
            self._heard_total, self._heard_at_us = total, utc_us
        if self._clock.quality() is TimeQuality.UNTRUSTED:
            self._hour = _Hour()
            return ""
        ended = self._hour.look(utc_us, total, receiving=path.radio is Radio.RECEIVING)
        if ended is not None:
            self.past = learn(self.past, *ended)
        return suspicion(self.past, self._heard_at_us, utc_us)

    async def _recover(self, command: Recover) -> None:
        stage = command.stage
        self._record(Change.RECOVERY, stage.value, "STARTED", command.reason)
        try:
            if stage is Stage.RESTART_RADIO:
                self._restart_radio(command.reason)
            elif stage is Stage.RESTART_PROCESS:
                self._leave(Leave(command.reason))
            elif stage is Stage.REBOOT:
                await asyncio.to_thread(reboot_machine)
                self._leave(Leave(command.reason, reboot=True))
            else:
                await asyncio.to_thread(carry_out, stage)
        except (NoMeans, CannotReboot) as error:
            self._record(Change.RECOVERY, stage.value, "FAILED", str(error))


class _Hour:
    """Frames of the hour that runs, counted only if the radio received in all of it."""

    def __init__(self) -> None:
        self._number = -1
        self._from_total = 0
        self._whole = False

    def look(self, utc_us: int, total: int, *, receiving: bool) -> tuple[int, int] | None:
        """Return (hour of day, frames) when a whole hour has ended."""
        number = utc_us // HOUR_US
        ended = None
        if number != self._number:
            if self._whole and number == self._number + 1:
                ended = self._number % 24, total - self._from_total
            self._whole = self._number >= 0 and number == self._number + 1
            self._number, self._from_total = number, total
        self._whole = self._whole and receiving
        return ended
