"""Whether a replay is the same as the reference, and where it is not.

The same: after start every address the reference wrote holds the same value; the radios got the same
commands in the same order; the same FIFO bytes give the same packets; a transmission leaves the same
registers and payload.  With synthetic images, program pieces and patch words count by address and length;
with Semtech's own (``exact``) every byte counts.

Sources: ``README.md`` beside the golden files.
"""

from collections.abc import Iterable, Sequence

from hal.transcript.golden import Golden
from hal.transcript.runner import Replayed

PATCH_WRITES = "L W 0d 6 8"
PATCH_LENGTH = len("L W 0d 6 8000")
PROGRAM_RAM_END = 0x4000


class Memory:
    """What was last written to each address, read back from the lines of a transcript."""

    def __init__(self, *, exact: bool = False) -> None:
        self.exact = exact
        self.bytes: dict[int, int] = {}
        self.radio: list[str] = []
        self.pieces: list[tuple[object, ...]] = []
        self.transactions = 0
        self.slept_us = 0

    def follow(self, lines: Iterable[str]) -> None:
        """Take the lines of one phase in; the per-phase lists begin anew."""
        self.radio, self.pieces, self.transactions, self.slept_us = [], [], 0, 0
        for text in lines:
            self._line(text)

    def _line(self, text: str) -> None:
        parts = text.split()
        if parts[0] == "#":
            self.slept_us += int(parts[2])
            return
        if parts[0] == "I":
            return
        self.transactions += 1
        if parts[0] != "0":
            self.radio.append(self.command(" ".join(parts[: 4 if parts[1] == "R" else 5])))
        elif parts[1] == "W":
            self._write(int(parts[2], 16), int(parts[3]), parts[4])

    def command(self, text: str) -> str:
        """Return a radio command as far as it is compared."""
        return text if self.exact or not text.startswith(PATCH_WRITES) else text[:PATCH_LENGTH]

    def piece(self, address: str, count: int, digest: str) -> tuple[object, ...]:
        """Return a piece of firmware as far as it is compared."""
        return (address, count, digest) if self.exact else (address, count)

    def _write(self, address: int, count: int, data: str) -> None:
        if address < PROGRAM_RAM_END:
            self.pieces.append(self.piece(f"{address:04x}", count, data))
            return
        for position, byte in enumerate(bytes.fromhex(data), start=address):
            self.bytes[position] = byte


def differences(golden: Golden, replayed: Iterable[Replayed], *, exact: bool = False) -> list[str]:
    """Return one line for each thing that is not as in the golden file; none when all is the same."""
    memory = Memory(exact=exact)
    found: list[str] = []
    for phase, ours in zip(golden.phases, replayed, strict=True):
        memory.follow(ours.lines)
        found += [f"{phase.name}: {text}" for text in _phase(phase.expected, ours, memory)]
    return found


def _phase(expected: dict[str, object], ours: Replayed, memory: Memory) -> list[str]:
    found: list[str] = []
    registers, radio = expected.get("registers"), expected.get("radio")
    if isinstance(registers, dict):
        found += _registers(registers, memory)
    if isinstance(radio, list):
        found += _sequence("radio command", [memory.command(text) for text in radio], memory.radio)
    firmware = expected.get("firmware")
    if isinstance(firmware, list):
        pieces = [memory.piece(*piece) for piece in firmware]
        found += _sequence("firmware piece", pieces, memory.pieces)
    if "packets" in expected:
        found += _packets(expected["packets"], ours.packets)
    if "refused" in expected and bool(expected["refused"]) != bool(ours.refused):
        found.append(f"refused {ours.refused or 'nothing'!r}, the reference: {expected['refused']}")
    return found


def _registers(expected: dict[str, str], memory: Memory) -> list[str]:
    found = []
    for address, value in expected.items():
        held = memory.bytes.get(int(address, 16))
        if held != int(value, 16):
            shown = "never written" if held is None else f"{held:02x}"
            found.append(f"register {address}: {shown}, the reference: {value}")
    return found


def _sequence(what: str, expected: Sequence[object], ours: Sequence[object]) -> list[str]:
    for index, (theirs, mine) in enumerate(zip(expected, ours, strict=False)):
        if theirs != mine:
            return [f"{what} {index}: {mine}, the reference: {theirs}"]
    if len(expected) != len(ours):
        return [f"{len(ours)} times {what}, the reference: {len(expected)}"]
    return []


def _packets(expected: object, ours: list[dict[str, str]]) -> list[str]:
    theirs = expected if isinstance(expected, list) else []
    found = [
        f"packet {index}, {key}: {mine.get(key)}, the reference: {value}"
        for index, (packet, mine) in enumerate(zip(theirs, ours, strict=False))
        for key, value in packet.items()
        if mine.get(key) != value
    ]
    if len(theirs) != len(ours):
        found.append(f"{len(ours)} packets, the reference: {len(theirs)}")
    return found
