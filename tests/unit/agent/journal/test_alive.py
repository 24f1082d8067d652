from pathlib import Path

import pytest

from agent.journal.alive import SLOT_BYTES, SLOTS, AliveFile, decode_slot, encode_slot
from agent.wire.messages import PreviousBoot, TimeQuality

ALIVE = PreviousBoot(2**63 - 1, 90_000, 1_790_000_000_000_000, TimeQuality.NTP, False, 42)


def test_a_slot_comes_back_as_it_went() -> None:
    assert decode_slot(encode_slot(7, ALIVE)) == (7, ALIVE)
    assert len(encode_slot(7, ALIVE)) == SLOT_BYTES


@pytest.mark.parametrize("at", range(0, 46, 5))
def test_a_torn_slot_is_none(at: int) -> None:
    slot = bytearray(encode_slot(7, ALIVE))
    slot[at] ^= 1
    assert decode_slot(bytes(slot)) is None
    assert decode_slot(bytes(SLOT_BYTES)) is None
    assert decode_slot(b"") is None


def test_the_newest_slot_is_the_previous_boot(tmp_path: Path) -> None:
    first = AliveFile(tmp_path / "alive")
    assert first.previous is None
    for number in range(SLOTS + 3):
        first.write(PreviousBoot(1, number, 0, TimeQuality.NTP, False, number))
    first.close()
    assert AliveFile(tmp_path / "alive").previous == PreviousBoot(
        1, SLOTS + 2, 0, TimeQuality.NTP, False, SLOTS + 2
    )


def test_a_power_cut_while_writing_leaves_the_slot_before(tmp_path: Path) -> None:
    path = tmp_path / "alive"
    file = AliveFile(path)
    file.write(ALIVE)
    file.write(PreviousBoot(1, 99_000, 0, TimeQuality.NTP, True, 43))
    file.close()
    content = bytearray(path.read_bytes())
    content[2 * SLOT_BYTES + 9] ^= 0xFF
    path.write_bytes(bytes(content))
    assert AliveFile(path).previous == ALIVE


def test_the_file_never_grows(tmp_path: Path) -> None:
    file = AliveFile(tmp_path / "alive")
    for _ in range(3 * SLOTS):
        file.write(ALIVE)
    assert (tmp_path / "alive").stat().st_size == SLOTS * SLOT_BYTES
