"""One gateway sends test frames, its neighbour hears them: commands, data paths, and what Y makes of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.commands.runner import CommandFailed
from agent.commands.testframes import SENDERS_LIMIT, Sender, TestFrames, after_test, suspicion_of
from agent.connectors.ports import Outcome
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.evidence.ears import LISTENING_LIMIT, ReceivedTestFrame, TestEar
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.command import Action, Command
from agent.wire.testframe import FREQUENCIES_HZ, decode_test_frame, encode_test_frame
from hal.units import Hz
from tests.controlpath.virtual import VirtualClock
from tests.datapath.virtual import received

NONCE, SENDER = "0102030405060708", "0016c001f1000001"
MISSED_TWICE = reasons.hearing.test_frames_missed(missed_tests=2, sender=SENDER, heard_tests=2)
SEND = Command(action=Action.SEND_TEST_FRAME, nonce=NONCE, sender=SENDER)
HEAR = Command(action=Action.HEAR_TEST_FRAME, nonce=NONCE, sender=SENDER, limit_s=1)


class Neighbourhood:
    """What X sends, Y's ear hears, unless the air or the budget is against it."""

    def __init__(self, folder: Path) -> None:
        self.ear = TestEar()
        self.sent: list[Downlink] = []
        self.code, self.on_air, self.audible = Code.OK, True, True
        clock = VirtualClock()
        self.journal = MemoryJournal(clock)
        self.pauses: list[float] = []
        self.frames = TestFrames(
            state=folder, radio=self, clock=clock, journal=self.journal, pause=self.pause
        )

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None]) -> DownlinkVerdict:
        if self.code is not Code.OK:
            return DownlinkVerdict(
                code=self.code, reason=reasons.downlink.duty_cycle(cause=reasons.downlink.no_gap())
            )
        self.sent.append(downlink)
        if self.audible:
            self.ear.on_air(received(downlink.payload, 0))
        outcome(Outcome(sent=self.on_air, reason=reasons.downlink.not_on_air(tx_state="free"), start_us=0))
        return DownlinkVerdict(code=Code.OK, ticket=len(self.sent))

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]:
        return await self.ear.listen(nonce, limit_s if self.audible else 0.0)


async def both(world: Neighbourhood) -> tuple[str, str]:
    hearing = asyncio.create_task(world.frames.hear(HEAR))
    await asyncio.sleep(0)
    said = await world.frames.send(SEND)
    return said, await hearing


def test_what_one_sends_the_other_hears(tmp_path: Path) -> None:
    world = Neighbourhood(tmp_path)
    sent, heard = asyncio.run(both(world))
    assert str(sent) == "3 of 3 test frames sent: sent; sent; sent"
    assert str(heard).startswith(f"3 of 3 test frames of {SENDER} heard: ")
    assert [int(one.frequency_hz) for one in world.sent] == list(FREQUENCIES_HZ)
    assert not any(one.invert_polarity for one in world.sent)
    assert [(note.fields["role"], note.fields["frames"]) for note in world.journal.notes()] == [
        ("sender", 3),
        ("listener", 3),
    ]


def test_regulation_holds_for_test_frames_too(tmp_path: Path) -> None:
    world = Neighbourhood(tmp_path)
    world.code = Code.DUTY_CYCLE
    with pytest.raises(CommandFailed, match="0 of 3 test frames sent: air time used up, no gap"):
        asyncio.run(world.frames.send(SEND))


def test_a_frame_that_never_left_is_told(tmp_path: Path) -> None:
    world = Neighbourhood(tmp_path)
    world.on_air = False
    with pytest.raises(CommandFailed, match=r"not sent \(free\)"):
        asyncio.run(world.frames.send(SEND))


def test_a_neighbour_known_and_missed_twice_is_a_suspicion_that_survives(tmp_path: Path) -> None:
    world = Neighbourhood(tmp_path)
    for _ in range(2):
        asyncio.run(both(world))
    world.audible = False
    for expected in (None, MISSED_TWICE):
        with pytest.raises(CommandFailed, match="none of 3"):
            asyncio.run(world.frames.hear(HEAR))
        assert world.frames.suspicion() == expected
    again = Neighbourhood(tmp_path)
    assert again.frames.suspicion() == MISSED_TWICE
    asyncio.run(both(again))
    assert again.frames.suspicion() is None


def test_a_neighbour_that_was_never_heard_proves_nothing() -> None:
    senders: dict[str, Sender] = {}
    for at_us in range(5):
        senders = after_test(senders, SENDER, heard=False, at_us=at_us)
    assert suspicion_of(senders) is None


def test_senders_are_bounded() -> None:
    senders: dict[str, Sender] = {}
    for number in range(SENDERS_LIMIT + 1):
        senders = after_test(senders, f"{number:016x}", heard=True, at_us=number)
    assert len(senders) == SENDERS_LIMIT
    assert f"{0:016x}" not in senders


def test_a_command_without_nonce_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="nonce and sender"):
        asyncio.run(Neighbourhood(tmp_path).frames.send(Command(action=Action.SEND_TEST_FRAME)))


def test_other_frames_are_none_of_the_ears_business() -> None:
    ear = TestEar()

    async def listening() -> tuple[ReceivedTestFrame, ...]:
        task = asyncio.create_task(ear.listen(NONCE, 0.01))
        await asyncio.sleep(0)
        for payload in (b"", b"\xe0VDLT", encode_test_frame("ff" * 8, 0), encode_test_frame(NONCE, 1)):
            ear.on_air(received(payload, 0))
        return await task

    assert [one.index for one in asyncio.run(listening())] == [1]


def test_listening_is_bounded() -> None:
    async def too_many() -> None:
        ear = TestEar()
        tasks = [asyncio.create_task(ear.listen(f"{n:016x}", 60)) for n in range(LISTENING_LIMIT)]
        await asyncio.sleep(0)
        with pytest.raises(ValueError, match="listened for already"):
            await ear.listen(NONCE, 60)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(too_many())


def test_the_codec_knows_its_own_only() -> None:
    assert decode_test_frame(encode_test_frame(NONCE, 2)) == (NONCE, 2)
    assert decode_test_frame(encode_test_frame(NONCE, 2) + b"x") is None
    assert decode_test_frame(bytes(14)) is None
    assert Hz(FREQUENCIES_HZ[0]) == 868_100_000
