"""Commands: ``judge_command`` believes or refuses (pure), the runner carries out one after the other.

A command is believed when it is signed, for this gateway, newer than before, in time and of the list.  The
ledger with its version is on disk before the command begins, so that a power cut in the middle never runs it
twice; each runs within its time and is answered once.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec

from agent.clock import Clock
from agent.durable import write_if_possible
from agent.failures import reason_of
from agent.fleet_key import FleetKey
from agent.journal_port import JournalPort
from agent.wire import reasons
from agent.wire.command import Action, Command, CommandError, decode_command
from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope, judge
from agent.wire.messages import Reply
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import HalError

QUEUE_LIMIT = 16
"""Commands waiting; one more is refused."""
UNBELIEVED = frozenset({"malformed", "too_large", "bad_signature", "foreign", "wrong_kind"})
"""Not the fleet's word: answered and counted, but nothing of it is written to the card."""

Perform: TypeAlias = Callable[[Command], Awaitable[Reason]]
"""Carries out one action and returns what to answer."""


class CommandLedger(msgspec.Struct, frozen=True, kw_only=True):
    """The newest command that was believed, and the fleet's clock at that time."""

    version: int = 0
    issued_at_us: int = 0


class CommandRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Not carried out; ``counter`` names what is counted."""

    counter: str
    why: Reason


def judge_command(
    ledger: CommandLedger, payload: bytes, *, device: str, key: FleetKey, utc_us: int
) -> tuple[CommandLedger, Command | CommandRefused]:
    """Return the ledger to write first, and the command to carry out or why not.

    A clock that is behind does not make an old command fresh: time is at least what the fleet last signed.
    """
    try:
        envelope = decode_envelope(payload)
        if envelope.kind is not EnvelopeKind.COMMAND:
            raise EnvelopeRefused(reasons.envelope.wrong_kind(kind=envelope.kind))
        now_us = max(utc_us, ledger.issued_at_us)
        judge(envelope, key, device=device, newest_version=ledger.version, now_us=now_us)
    except EnvelopeRefused as refused:
        return ledger, CommandRefused(counter=refused.counter, why=refused.why)
    ledger = CommandLedger(
        version=envelope.version, issued_at_us=max(ledger.issued_at_us, envelope.issued_at_us)
    )
    try:
        return ledger, decode_command(envelope.payload)
    except CommandError as error:
        return ledger, CommandRefused(counter="not_a_command", why=error.why)


class CommandFailed(ReasonedError):
    """An action that could not be carried out."""


class CommandRunner:
    """The gateway's side of ``command/{id}``."""

    def __init__(
        self,
        *,
        state: Path,
        device: str,
        key: FleetKey,
        clock: Clock,
        actions: Mapping[Action, Perform],
        reply: Callable[[Reply], None],
        journal: JournalPort,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._path = state / "commands.json"
        self._ledger = self._load()
        self._device, self._key, self._clock = device, key, clock
        self._actions = actions
        self._reply, self._journal = reply, journal
        self._queue: asyncio.Queue[tuple[str, Command]] = asyncio.Queue(QUEUE_LIMIT)

    def _load(self) -> CommandLedger:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=CommandLedger)
        except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
            return CommandLedger()

    def arrived(self, command_id: str, payload: bytes) -> None:
        """Judge a command and queue it; the ledger is durable before anything is done."""
        ledger, verdict = judge_command(
            self._ledger, payload, device=self._device, key=self._key, utc_us=self._clock.utc_us()
        )
        if ledger != self._ledger and not write_if_possible(self._path, msgspec.json.encode(ledger)):
            verdict = CommandRefused(counter="disk", why=reasons.command.not_kept())
        else:
            self._ledger = ledger
        if isinstance(verdict, CommandRefused):
            self._answer(command_id, "", ok=False, why=verdict.why, count=verdict.counter)
        elif self._queue.full():
            full = reasons.command.queue_full(limit_commands=QUEUE_LIMIT)
            self._answer(command_id, verdict.action, ok=False, why=full, count="queue_full")
        else:
            self._queue.put_nowait((command_id, verdict))

    async def run(self) -> None:
        """Carry out what is queued, until cancelled."""
        while True:
            command_id, command = await self._queue.get()
            await self._perform(command_id, command)

    async def _perform(self, command_id: str, command: Command) -> None:
        action = command.action
        try:
            async with asyncio.timeout(command.limit_s):
                done = await self._actions[action](command)
        except TimeoutError:
            overdue = reasons.command.given_up(limit_s=command.limit_s)
            self._answer(command_id, action, ok=False, why=overdue, count="overdue")
        except (CommandFailed, HalError, OSError, ValueError) as error:
            self._answer(command_id, action, ok=False, why=reason_of(error), count="failed")
        else:
            self._answer(command_id, action, ok=True, why=done, count="done")

    def _answer(self, command_id: str, action: str, *, ok: bool, why: Reason, count: str) -> None:
        self.counts[count] += 1
        at_us = self._clock.utc_us()
        self._reply(Reply(command_id, ok, "", at_us, why))
        if count in UNBELIEVED:
            return
        fields: dict[str, str | int | float] = {"id": command_id, "action": action, "verdict": count}
        self._journal.note("command", fields, {"answer": why})
