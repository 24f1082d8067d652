"""The 15-bit address space of the SX1302: plain storage, with watchers where an access means something.

An access outside the watched addresses is one slice, so that the bus stays cheap.

Sources: FACTS §1 (auto-increment), §3 (blocks, read-only fields), §13.2 (storage with power-on defaults).
"""

from collections.abc import Callable

from hal.twin.complaints import Fault
from hal.twin.registers.power_on import ADDRESS_SPACE_BYTES, POWER_ON, READ_ONLY, power_on_bytes

WriteWatcher = Callable[[int, int], None]
"""``(address, value)``; the watcher stores what is to be stored."""
Complain = Callable[[Fault, str], None]

PLAIN, WATCHED, READ_ONLY_BYTE, NOTHING = 0, 1, 2, 3


class AddressSpace:
    """Registers and memories; ``registers`` is the storage itself."""

    def __init__(self, complain: Complain) -> None:
        self.registers = power_on_bytes()
        self._complain = complain
        self._readers: dict[int, Callable[[int], int]] = {}
        self._writers: dict[int, WriteWatcher] = {}
        self._read_kind = bytearray(ADDRESS_SPACE_BYTES)
        self._write_kind = bytearray((NOTHING,)) * ADDRESS_SPACE_BYTES
        for start, digits in POWER_ON.items():
            for address in range(start, start + len(digits) // 2):
                self._write_kind[address] = PLAIN
        for start, end in READ_ONLY:
            for address in range(start, end):
                self._write_kind[address] = READ_ONLY_BYTE

    def restart(self) -> None:
        """Reset: power-on values everywhere."""
        self.registers[:] = power_on_bytes()

    def watch_read(self, address: int, reader: Callable[[int], int]) -> None:
        """Let ``reader`` answer for one address."""
        self._read_kind[address] = WATCHED
        self._readers[address] = reader

    def watch_write(self, address: int, writer: WriteWatcher) -> None:
        """Let ``writer`` take the bytes written to one address."""
        self._write_kind[address] = WATCHED
        self._writers[address] = writer

    def read(self, address: int, count: int) -> bytes:
        """Return ``count`` bytes from ``address`` on."""
        end = address + count
        if self._read_kind.find(WATCHED, address, end) < 0:
            return bytes(self.registers[address:end]).ljust(count, b"\0")
        readers, registers = self._readers, self.registers
        return bytes(
            readers[place](place) if place in readers else registers[place & 0x7FFF]
            for place in range(address, end)
        )

    def write(self, address: int, data: bytes) -> None:
        """Store ``data`` from ``address`` on, through the watchers."""
        end = address + len(data)
        if end <= ADDRESS_SPACE_BYTES and not any(self._write_kind[address:end]):
            self.registers[address:end] = data
            return
        for place, value in zip(range(address, min(end, ADDRESS_SPACE_BYTES)), data, strict=False):
            self._write_byte(place, value)

    def _write_byte(self, address: int, value: int) -> None:
        match self._write_kind[address]:
            case 0:
                self.registers[address] = value
            case 1:
                self._writers[address](address, value)
            case 2:
                self._complain(Fault.WRITE_TO_READ_ONLY, f"{address:04x}={value:02x}")
            case _:
                self._complain(Fault.WRITE_TO_NOTHING, f"{address:04x}={value:02x}: no register there")
                self.registers[address] = value
