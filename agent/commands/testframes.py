"""Test frames between neighbours: send some, or hear some and remember who is usually heard.

    fleet ─ hear_test_frame ─▶ Y listens        fleet ─ send_test_frame ─▶ X sends one frame a channel
    Y ─ reply and event `test_frame` ─▶ fleet    X ─ reply and event `test_frame` ─▶ fleet

The frames go through the downlinks' queue: regulation, power and the hour's air time hold for them too.
Y keeps, for each sender, how often it was heard: a sender that was heard before and is missed twice in a
row makes this gateway suspect its own ears (``agent.supervisor``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

import msgspec

from agent.clock import Clock
from agent.commands.runner import CommandFailed
from agent.connectors.ports import Outcome
from agent.downlink.model import Downlink, DownlinkVerdict, Immediate
from agent.durable import write_if_possible
from agent.evidence.ears import ReceivedTestFrame
from agent.journal_port import JournalPort
from agent.wire import reasons
from agent.wire.command import Command
from agent.wire.reasons import Reason
from agent.wire.testframe import FREQUENCIES_HZ, encode_test_frame
from hal.packets import Lora
from hal.units import Hz

MODULATION = Lora(sf=9)
"""185 ms on air: three are 0.6 s of the 36 s that the band allows in an hour."""
SEND_AFTER_S = 10.0
"""The first frame waits so long after the command: the listener's command may arrive a little later."""
BETWEEN_S = 3.0
"""So that one collision takes one frame."""
SENT_LIMIT_S = 5.0
"""For the radio to tell what became of one frame."""
REPLY_BEFORE_S = 2.0
"""A listener answers this long before its command would be given up."""
HEARD_BEFORE = 2
MISSED_SUSPECT = 2
SENDERS_LIMIT = 32
"""Remembered; the one tested longest ago goes first."""
FILE_NAME = "testframes.json"


class RadioPort(Protocol):
    """What is asked of the data path."""

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict: ...

    def listen(self, nonce: str, limit_s: float) -> Awaitable[tuple[ReceivedTestFrame, ...]]: ...


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """How a neighbour's test frames were heard."""

    heard: int = 0
    missed_in_row: int = 0
    at_us: int = 0


Senders = dict[str, Sender]


def after_test(senders: Senders, eui: str, *, heard: bool, at_us: int) -> Senders:
    """Return the senders after one more test; bounded."""
    known = senders.get(eui, Sender())
    now = Sender(
        heard=known.heard + heard, missed_in_row=0 if heard else known.missed_in_row + 1, at_us=at_us
    )
    after = senders | {eui: now}
    if len(after) > SENDERS_LIMIT:
        del after[min(after, key=lambda eui: after[eui].at_us)]
    return after


def suspicion_of(senders: Senders) -> Reason | None:
    """Return which neighbour is strangely missed, or None."""
    for eui, sender in sorted(senders.items()):
        if sender.heard >= HEARD_BEFORE and sender.missed_in_row >= MISSED_SUSPECT:
            return reasons.hearing.test_frames_missed(
                missed_tests=sender.missed_in_row, sender=eui, heard_tests=sender.heard
            )
    return None


class TestFrames:
    """The two commands of one gateway."""

    __test__ = False

    def __init__(
        self,
        *,
        state: Path,
        radio: RadioPort,
        clock: Clock,
        journal: JournalPort,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._path, self._radio, self._clock = state / FILE_NAME, radio, clock
        self._journal, self._pause = journal, pause
        self._senders = self._load()

    def _load(self) -> Senders:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Senders)
        except (OSError, msgspec.DecodeError, msgspec.ValidationError):
            return {}

    def suspicion(self) -> Reason | None:
        """Return why test frames say that this gateway is deaf, or None."""
        return suspicion_of(self._senders)

    async def send(self, command: Command) -> Reason:
        """Send one frame on each channel."""
        _must_have_nonce(command)
        await self._pause(SEND_AFTER_S)
        results: list[Reason] = []
        for index, frequency_hz in enumerate(FREQUENCIES_HZ):
            if index:
                await self._pause(BETWEEN_S)
            downlink = Downlink(
                payload=encode_test_frame(command.nonce, index),
                modulation=MODULATION,
                frequency_hz=Hz(frequency_hz),
                timing=Immediate(),
                invert_polarity=False,
                with_crc=True,
            )
            results.append(await self._send_one_frame(downlink))
        sent = results.count(reasons.downlink.sent())
        self._tell("sender", command, sent)
        summary = reasons.testframe.sent(sent_tests=sent, all_tests=len(results), each=tuple(results))
        if not sent:
            raise CommandFailed(summary)
        return summary

    def neighbours(self) -> int:
        """Return how many senders were heard at least once."""
        return sum(one.heard > 0 for one in self._senders.values())

    async def _send_one_frame(self, downlink: Downlink) -> Reason:
        ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        verdict = self._radio.submit(
            downlink, lambda outcome: None if ended.done() else ended.set_result(outcome)
        )
        if verdict.reason is not None:
            return verdict.reason
        try:
            outcome = await asyncio.wait_for(ended, SENT_LIMIT_S)
        except TimeoutError:
            return reasons.downlink.radio_silent()
        return reasons.downlink.sent() if outcome.sent else outcome.reason

    async def hear(self, command: Command) -> Reason:
        """Listen for a neighbour's test frames."""
        _must_have_nonce(command)
        received = await self._radio.listen(command.nonce, max(1.0, command.limit_s - REPLY_BEFORE_S))
        self._senders = after_test(
            self._senders, command.sender, heard=bool(received), at_us=self._clock.monotonic_us()
        )
        write_if_possible(self._path, msgspec.json.encode(self._senders))
        self._tell("listener", command, len(received))
        asked = len(FREQUENCIES_HZ)
        if not received:
            raise CommandFailed(reasons.testframe.none_heard(sender=command.sender, all_tests=asked))
        return reasons.testframe.heard(
            heard_tests=len(received),
            all_tests=asked,
            sender=command.sender,
            receptions=", ".join(map(str, received)),
        )

    def _tell(self, role: str, command: Command, frames: int) -> None:
        fields: dict[str, str | int | float] = {
            "role": role,
            "nonce": command.nonce,
            "sender": command.sender,
            "frames": frames,
            "of": len(FREQUENCIES_HZ),
        }
        self._journal.note("test_frame", fields)


def _must_have_nonce(command: Command) -> None:
    if not (command.nonce and command.sender):
        raise CommandFailed(reasons.testframe.incomplete())
