"""A chip that is nothing but memory, and remembers what was asked of it."""

from collections.abc import Sequence

from hal.registers import POWER_ON


class MemoryBus:
    """Plain registers with power-on defaults; ``lines`` are (kind, address, data)."""

    def __init__(self) -> None:
        self.memory = dict(POWER_ON)
        self.lines: list[tuple[str, int, bytes]] = []
        self.closed = False

    def transfer(self, mosi: bytes) -> bytes:
        address = (mosi[1] & 0x7F) << 8 | mosi[2]
        if mosi[1] & 0x80:
            self._store(address, mosi[3:])
            return bytes(len(mosi))
        data = bytes(self.memory.get(at, 0) for at in range(address, address + len(mosi) - 4))
        self.lines.append(("R", address, data))
        return bytes(4) + data

    def _store(self, address: int, data: bytes) -> None:
        self.lines.append(("W", address, data))
        for position, value in enumerate(data, start=address):
            self.memory[position] = value

    def close(self) -> None:
        self.closed = True

    def writes(self) -> list[tuple[int, bytes]]:
        return [(address, data) for kind, address, data in self.lines if kind == "W"]

    def reads(self) -> list[tuple[int, int]]:
        return [(address, len(data)) for kind, address, data in self.lines if kind == "R"]


class BulkMemoryBus(MemoryBus):
    """The same, taking several frames in one command."""

    def __init__(self) -> None:
        super().__init__()
        self.bulks: list[int] = []

    def write_many(self, frames: Sequence[bytes]) -> None:
        self.bulks.append(len(frames))
        for frame in frames:
            self.transfer(frame)


class ShortBus(MemoryBus):
    """Loses the last byte of every transfer."""

    def transfer(self, mosi: bytes) -> bytes:
        return super().transfer(mosi)[:-1]
