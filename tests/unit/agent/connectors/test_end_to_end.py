"""The test device: its frames are LoRaWAN, its silence is read, its counters survive, nothing goes on air."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.connectors.end_to_end.device import (
    ANSWER_WAIT_US,
    Probing,
    Proof,
    TestDevice,
    acknowledged,
    acknowledgement,
    addressed,
    confirmed_uplink,
    tick,
)
from agent.connectors.end_to_end.prober import NOTE_INTERVAL_US, RESERVED_FRAMES, Prober
from agent.journal_port import MemoryJournal
from agent.lorawan.phy import DataDown, DataUp, encode_data, encode_without_mic, parse_phy
from agent.wire import reasons
from agent.wire.configuration import EndToEndConfig
from agent.wire.messages import END_TO_END, Change
from demo.crypto import DOWN, UP, data_mic
from tests.controlpath.virtual import VirtualClock

ADDRESS, KEY = 0x00C0FFEE, bytes(range(16))
CONFIG = EndToEndConfig(dev_addr="00c0ffee", network_key=KEY.hex(), period_s=60)
PERIOD_US = 60_000_000


def answer(counter: int, *, ack: bool = True, key: bytes = KEY, address: int = ADDRESS) -> bytes:
    frame = DataDown(dev_addr=address, fcnt=counter % 65536, fctrl=0x20 if ack else 0)
    message = encode_without_mic(frame)
    return message + data_mic(key, message, direction=DOWN, address=address, counter=counter)


@pytest.mark.parametrize("counter", [0, 1, 65_535, 65_536, 2**32 - 1])
def test_an_uplink_is_confirmed_and_has_the_mic_of_its_counter(counter: int) -> None:
    device = TestDevice(address=ADDRESS, network_key=KEY, next_up=counter)
    after, payload = confirmed_uplink(device)
    frame = parse_phy(payload)
    assert isinstance(frame, DataUp)
    assert (frame.dev_addr, frame.fcnt, frame.confirmed, frame.fport) == (
        ADDRESS,
        counter % 65536,
        True,
        None,
    )
    mic = data_mic(KEY, payload[:-4], direction=UP, address=ADDRESS, counter=counter)
    assert payload[-4:] == mic
    assert after.next_up == counter + 1


@pytest.mark.parametrize(
    ("last", "payload", "new"),
    [
        (0, answer(0), 0),
        (5, answer(9), 9),
        (65_535, answer(65_536), 65_536),
        (9, answer(5), 9),
        (0, answer(1, ack=False), None),
        (0, answer(1, key=bytes(16)), None),
    ],
)
def test_only_a_server_with_the_key_can_acknowledge(last: int, payload: bytes, new: int | None) -> None:
    device = TestDevice(address=ADDRESS, network_key=KEY, last_down=last)
    frame = addressed(device, payload)
    assert frame is not None
    after = acknowledgement(device, frame)
    assert (None if after is None else after.last_down) == new


@pytest.mark.parametrize(
    "payload", [b"", b"\xff", bytes(23), answer(1, address=1), encode_data(DataUp(dev_addr=ADDRESS, fcnt=1))]
)
def test_what_is_not_for_the_device_is_left_to_the_radio(payload: bytes) -> None:
    assert addressed(TestDevice(address=ADDRESS, network_key=KEY), payload) is None


WAITING = Probing(sent_us=100, due_us=100 + PERIOD_US)


@pytest.mark.parametrize(
    ("before", "now_us", "up", "after", "sent"),
    [
        (Probing(), 0, True, Probing(sent_us=0, due_us=PERIOD_US), True),
        (Probing(), 0, False, Probing(), False),
        (Probing(due_us=10), 9, True, Probing(due_us=10), False),
        (WAITING, 99 + ANSWER_WAIT_US, True, WAITING, False),
        (WAITING, 100 + ANSWER_WAIT_US, True, replace(WAITING, sent_us=None, missed=1), False),
        (
            replace(WAITING, missed=1, proof=Proof.PROCESSED),
            100 + ANSWER_WAIT_US,
            True,
            replace(WAITING, sent_us=None, missed=2, proof=Proof.UNANSWERED),
            False,
        ),
        (
            replace(WAITING, missed=1, due_us=0),
            100 + ANSWER_WAIT_US,
            True,
            Probing(
                proof=Proof.UNANSWERED,
                missed=2,
                sent_us=100 + ANSWER_WAIT_US,
                due_us=100 + ANSWER_WAIT_US + PERIOD_US,
            ),
            True,
        ),
    ],
)
def test_tick(before: Probing, now_us: int, up: bool, after: Probing, sent: bool) -> None:
    assert tick(before, now_us, period_us=PERIOD_US, up=up) == (after, sent)


@pytest.mark.parametrize(
    ("before", "latency_us"),
    [
        (WAITING, 400),
        (replace(WAITING, missed=1), 400),
        (replace(WAITING, sent_us=None, missed=2, proof=Proof.UNANSWERED, latency_us=7), 7),
    ],
)
def test_an_acknowledgement_proves_the_server_even_late(before: Probing, latency_us: int) -> None:
    after = acknowledged(before, 500)
    assert (after.proof, after.missed, after.sent_us, after.latency_us) == (
        Proof.PROCESSED,
        0,
        None,
        latency_us,
    )


class World:
    def __init__(self, folder: Path, config: EndToEndConfig = CONFIG) -> None:
        self.folder, self.clock = folder, VirtualClock()
        self.journal = MemoryJournal(self.clock)
        self.prober = self.started(config)

    def started(self, config: EndToEndConfig = CONFIG) -> Prober:
        return Prober(config, directory=self.folder, clock=self.clock, boot=1, journal=self.journal)

    def tick(self, *, up: bool = True) -> bytes | None:
        record = self.prober.tick(up=up, counter_us=5, session=1)
        return None if record is None else record.payload

    def seconds(self, count: int, *, answered: bool) -> int:
        """Let time pass; return after how many seconds the server was found not to process, or ``count``."""
        for second in range(count):
            sent = self.tick()
            if sent is not None and answered:
                frame = parse_phy(sent)
                assert isinstance(frame, DataUp)
                self.clock.advance(0.25)
                assert self.prober.takes(answer(frame.fcnt))
            if self.prober.probing.proof is Proof.UNANSWERED:
                return second
            self.clock.advance(1)
        return count


def test_a_server_that_swallows_is_found_within_three_periods(tmp_path: Path) -> None:
    world = World(tmp_path)
    assert world.seconds(200, answered=True) == 200
    assert world.prober.reason() == reasons.lns.processed(latency_ms=250)
    assert world.seconds(600, answered=False) <= 3 * CONFIG.period_s
    assert world.prober.reason() == reasons.lns.not_processed(missed_frames=2, period_s=60)
    assert not world.prober.denies
    assert world.seconds(60, answered=True) < 60 or world.prober.probing.proof is Proof.PROCESSED


def test_the_setting_makes_it_decide(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        EndToEndConfig(
            **{name: getattr(CONFIG, name) for name in CONFIG.__struct_fields__} | {"decides": True}
        ),
    )
    world.seconds(600, answered=False)
    assert world.prober.denies
    assert world.prober.takes(answer(3))
    assert not world.prober.denies


def test_counters_are_never_used_twice_not_even_across_a_power_cut(tmp_path: Path) -> None:
    world = World(tmp_path)
    seen: list[int] = []
    for _ in range(3):
        for _ in range(RESERVED_FRAMES + 3):
            world.clock.advance(CONFIG.period_s)
            sent = world.tick()
            assert sent is not None
            frame = parse_phy(sent)
            assert isinstance(frame, DataUp)
            seen.append(frame.fcnt)
        world.prober = world.started()
    assert seen == sorted(set(seen))


def test_without_a_disk_nothing_is_sent_and_it_is_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "absent" / "folder")
    assert world.tick() is None
    assert world.prober.counts["not_reserved"] == 1


def test_what_it_did_is_in_the_journal_at_each_change_and_once_an_hour(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.seconds(120, answered=True)
    (first,) = world.journal.notes()
    assert (first.name, first.fields) == (
        "end_to_end",
        {"proof": "PROCESSED", "sent": 1, "answered": 1, "latency_ms": 250},
    )
    world.seconds(NOTE_INTERVAL_US // 1_000_000, answered=True)
    assert len(world.journal.notes()) == 2


def test_each_change_of_the_proof_is_a_record_of_its_own_dated_back_to_the_last_acknowledgement(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.seconds(120, answered=True)
    answered_us = world.prober.probing.answered_us
    world.seconds(600, answered=False)
    world.prober.reconfigure(EndToEndConfig())
    assert [(entry.change, entry.subject, entry.value) for entry in world.journal.changes()] == [
        (Change.CONNECTOR, END_TO_END, "PROCESSED"),
        (Change.CONNECTOR, END_TO_END, "UNANSWERED"),
        (Change.CONNECTOR, END_TO_END, "UNKNOWN"),
    ]
    assert [entry.since_us for entry in world.journal.changes()] == [None, answered_us, None]
    assert answered_us is not None


def test_without_an_address_there_is_no_device(tmp_path: Path) -> None:
    world = World(tmp_path, EndToEndConfig())
    assert world.tick() is None
    assert not world.prober.takes(answer(0))
    assert world.prober.reason() is None
