import asyncio
from pathlib import Path

import pytest

from agent.commands.runner import (
    QUEUE_LIMIT,
    CommandFailed,
    CommandLedger,
    CommandRefused,
    CommandRunner,
    judge_command,
)
from agent.hearing.noise_meter import median_dbm
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.command import Action, Command, encode_command
from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import Reply
from agent.wire.reasons import Reason
from hal.packets import Spectrum
from hal.units import Dbm, Hz
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock

FLEET = SigningFleet()
OTHER = SigningFleet()
TEST = Command(action=Action.SELF_TEST)
SENT = FLEET.envelope(EnvelopeKind.COMMAND, 5, encode_command(TEST), issued_at_us=50, expires_at_us=100)


def judged(
    ledger: CommandLedger, payload: bytes, utc_us: int = 60
) -> tuple[CommandLedger, Command | CommandRefused]:
    return judge_command(ledger, payload, device=EUI, key=FLEET.public, utc_us=utc_us)


def test_a_command_is_believed_once() -> None:
    ledger, verdict = judged(CommandLedger(), SENT)
    assert (ledger, verdict) == (CommandLedger(version=5, issued_at_us=50), TEST)
    again, verdict = judged(ledger, SENT)
    assert again == ledger
    assert isinstance(verdict, CommandRefused)
    assert verdict.counter == "older"


@pytest.mark.parametrize(
    ("payload", "utc_us", "counter"),
    [
        (b"rm -rf /", 60, "malformed"),
        (OTHER.envelope(EnvelopeKind.COMMAND, 6, encode_command(TEST)), 60, "bad_signature"),
        (
            FLEET.envelope(EnvelopeKind.COMMAND, 6, encode_command(TEST), device="0016c001f12a3b4d"),
            60,
            "foreign",
        ),
        (FLEET.envelope(EnvelopeKind.COMMAND, 4, encode_command(TEST)), 60, "older"),
        (FLEET.envelope(EnvelopeKind.COMMAND, 6, encode_command(TEST), expires_at_us=100), 100, "expired"),
        (FLEET.envelope(EnvelopeKind.PERMIT, 6, encode_command(TEST)), 60, "wrong_kind"),
        (FLEET.envelope(EnvelopeKind.COMMAND, 6, b'{"action": "shell"}'), 60, "not_a_command"),
        (
            FLEET.envelope(EnvelopeKind.COMMAND, 6, b'{"action": "reboot", "limit_s": 601}'),
            60,
            "not_a_command",
        ),
        (FLEET.envelope(EnvelopeKind.COMMAND, 6, b'{"action": "reboot", "x": 1}'), 60, "not_a_command"),
    ],
)
def test_each_kind_of_bad_command_is_refused(payload: bytes, utc_us: int, counter: str) -> None:
    _, verdict = judged(CommandLedger(version=5), payload, utc_us)
    assert isinstance(verdict, CommandRefused)
    assert verdict.counter == counter


def test_a_clock_that_is_behind_makes_no_old_command_fresh() -> None:
    late = FLEET.envelope(EnvelopeKind.COMMAND, 6, encode_command(TEST), expires_at_us=100)
    _, verdict = judged(CommandLedger(version=5, issued_at_us=200), late, utc_us=0)
    assert isinstance(verdict, CommandRefused)
    assert verdict.counter == "expired"


class Bench:
    """A runner with actions that the test provides."""

    def __init__(self, folder: Path, **actions: object) -> None:
        self.replies: list[Reply] = []
        clock = VirtualClock(now_us=0, wall_us=60)
        self.journal = MemoryJournal(clock)
        self.runner = CommandRunner(
            state=folder,
            device=EUI,
            key=FLEET.public,
            clock=clock,
            actions={Action(name): action for name, action in actions.items()},  # type: ignore[misc]
            reply=self.replies.append,
            journal=self.journal,
        )

    def send(self, version: int, command: Command) -> None:
        self.runner.arrived(
            f"c{version}", FLEET.envelope(EnvelopeKind.COMMAND, version, encode_command(command))
        )

    def serve(self, count: int) -> None:
        async def until_answered() -> None:
            task = asyncio.create_task(self.runner.run())
            while len(self.replies) < count:
                await asyncio.sleep(0)
            task.cancel()

        asyncio.run(until_answered())


def test_each_outcome_is_answered_and_audited(tmp_path: Path) -> None:
    async def fine(_: Command) -> Reason:
        return reasons.command.lines_follow(lines=3)

    async def fails(_: Command) -> Reason:
        raise CommandFailed(reasons.radio.no_sx1261())

    bench = Bench(tmp_path, self_test=fine, spectral_scan=fails)
    bench.send(1, TEST)
    bench.send(2, Command(action=Action.SPECTRAL_SCAN))
    bench.send(2, TEST)
    bench.serve(3)
    answers = {reply.command_id: reply.why for reply in bench.replies if reply.ok}
    assert answers == {"c1": reasons.command.lines_follow(lines=3)}
    assert bench.runner.counts == {"done": 1, "failed": 1, "older": 1}
    assert [note.fields["verdict"] for note in bench.journal.notes()] == ["older", "done", "failed"]


def test_what_is_not_the_fleet_s_word_is_answered_but_wears_no_card(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for payload in (b"?", OTHER.envelope(EnvelopeKind.COMMAND, 9, encode_command(TEST))):
        bench.runner.arrived("x", payload)
    assert [reply.ok for reply in bench.replies] == [False, False]
    assert bench.journal.notes() == []
    assert bench.runner.counts == {"malformed": 1, "bad_signature": 1}
    assert not (tmp_path / "commands.json").exists()


def test_a_command_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    async def endless(_: Command) -> Reason:
        raise TimeoutError

    bench = Bench(tmp_path, self_test=endless)
    bench.send(1, TEST)
    bench.serve(1)
    assert bench.runner.counts == {"overdue": 1}
    assert bench.replies[0].why == reasons.command.given_up(limit_s=60)


def test_a_power_cut_in_the_middle_never_runs_it_twice(tmp_path: Path) -> None:
    ran: list[Command] = []

    async def dies(command: Command) -> Reason:
        ran.append(command)
        return reasons.command.restarting()

    first = Bench(tmp_path, self_test=dies)
    first.send(1, TEST)
    second = Bench(tmp_path, self_test=dies)
    second.send(1, TEST)
    second.serve(1)
    assert (ran, second.replies[0].ok) == ([], False)


@pytest.mark.parametrize(("count", "refused"), [(QUEUE_LIMIT - 1, 0), (QUEUE_LIMIT, 0), (QUEUE_LIMIT + 1, 1)])
def test_the_queue_is_bounded(tmp_path: Path, count: int, refused: int) -> None:
    bench = Bench(tmp_path)
    for version in range(1, count + 1):
        bench.send(version, TEST)
    assert bench.runner.counts["queue_full"] == refused


def test_noise_floor_is_the_median_level() -> None:
    levels = tuple(Dbm(level) for level in (-80, -84, -88))
    spectrum = Spectrum(frequency_hz=Hz(868_100_000), levels_dbm=levels, counts=(10, 30, 20))
    assert median_dbm(spectrum) == -84
    with pytest.raises(ValueError, match="nothing"):
        median_dbm(Spectrum(frequency_hz=Hz(1), levels_dbm=levels, counts=(0, 0, 0)))
