"""The reference's own bus traffic, replayed: up to the first transmission the chip answers bit for bit.

Read values, SX1250 and SX1261 answers, I2C and, in virtual time, even the counters must be what the
recording says, and the chip must have nothing to complain about.
"""

import pytest

from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.images import synthetic_agc, synthetic_arb, synthetic_sx1261
from hal.twin.lines.local import LocalBus
from tests.golden.files import TRANSCRIPTS, golden_text

PHASES = ("start", "get_eui", "get_temperature", "idle_poll")


class Replay:
    """Plays the lines of a transcript onto a chip, with synthetic images where the text has only a hash."""

    def __init__(self, chip: VirtualChip) -> None:
        self.bus = LocalBus(chip)
        self.memory = synthetic_agc() + synthetic_arb()
        self.patch = synthetic_sx1261()
        self.compared = 0

    def line(self, text: str) -> None:
        words = text.split()
        if words[0] == "#":
            self.bus.delay_ns(int(words[2]) * 1000)
        elif words[0] == "I":
            self.i2c(words)
        elif words[0] == "0":
            self.register(words, text)
        else:
            self.radio(words, text)

    def data(self, address: int, word: str) -> bytes:
        return self.memory[address : address + 1024] if word.startswith("sha256") else bytes.fromhex(word)

    def register(self, words: list[str], text: str) -> None:
        address = int(words[2], 16)
        data = self.data(address, words[4])
        if words[1] == "W":
            self.bus.transfer(bytes((0, 0x80 | address >> 8, address & 0xFF)) + data)
            return
        read = self.bus.transfer(bytes((0, address >> 8, address & 0xFF)) + bytes(1 + len(data)))[4:]
        assert read == data, text
        self.compared += 1

    def radio(self, words: list[str], text: str) -> None:
        arguments = bytes.fromhex(words[4]) if len(words) > 4 and words[4] != "-" else b""
        place = int.from_bytes(arguments[:2], "big") - 0x8000
        if words[0] == "L" and words[2] == "0d" and 0 <= place < len(self.patch):
            arguments = arguments[:2] + self.patch[place : place + 4]
        frame = bytes.fromhex(words[2]) + arguments
        if words[0] == "L":
            miso = self.bus.sx1261.transfer(frame)[1:]
        else:
            miso = self.bus.transfer(bytes.fromhex("0" + words[0]) + frame)[2:]
        if words[1] == "R":
            assert miso.hex() == words[6], text
            self.compared += 1

    def i2c(self, words: list[str]) -> None:
        address, data = int(words[2], 16), bytes.fromhex(words[4])
        if words[1] == "W":
            assert self.bus.write(address, data)
        else:
            assert self.bus.read(address, len(data)) == data
            self.compared += 1


def test_the_capture_program_of_libloragw_comes_to_its_end() -> None:
    chip = VirtualChip(clock=VirtualClock())
    replay = Replay(chip)
    replay.memory = bytes(len(replay.memory))
    recorded = golden_text("transcripts/capture_ram.txt").splitlines()
    for text in recorded[1:]:
        replay.line(text)
    assert recorded[0] == "## capture_ram source 4"
    assert "0 R 6005 1 01" in recorded, "CAPCOMPLETE"
    assert replay.compared == 26
    assert list(chip.complaints) == []


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_the_reference_cannot_tell_the_twin_from_its_recording(name: str) -> None:
    chip = VirtualChip(clock=VirtualClock(), model=3 if "1303" in name else 2)
    replay = Replay(chip)
    for text in golden_text(f"transcripts/{name}.txt").splitlines():
        if text.startswith("##"):
            if text[3:] not in PHASES:
                break
        else:
            replay.line(text)
    assert replay.compared > 250
    assert chip.receiving
    assert list(chip.complaints) == []
