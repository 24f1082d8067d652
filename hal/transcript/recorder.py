"""Buses, I2C and clock that write down what passes, one line per transaction.

    0 W|R addr n data        SX1302 (hex; n decimal); addr < 4000 and n > 64: sha256:<hex>
    1|2 W op n args          SX1250 A/B write          1|2 R op n mosi > miso
    L W|R op n args [> miso] SX1261                    I W|R addr n data [NAK]
    # wait_us n              a sleep

Sources: the line format of the reference's recorded transcripts.
"""

import hashlib

from hal.bus.spi_frames import RADIO_ANSWER_INDEX, READ_ANSWER_INDEX, WRITE_BIT
from hal.ports import Bus, HalClock, I2c

PROGRAM_RAM_END = 0x4000
SHORT_BYTES = 64
READING_OPCODES = frozenset((0x17, 0x1D, 0xC0))


class Tape:
    """The lines of one run."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str) -> None:
        """Append one line."""
        self.lines.append(line)

    def take(self) -> list[str]:
        """Return the lines since the last call."""
        lines, self.lines = self.lines, []
        return lines


class RecordedBus:
    """A bus whose frames are written down; ``only`` names the SX1261's bus."""

    def __init__(self, bus: Bus, tape: Tape, *, sx1261: bool = False) -> None:
        self._bus = bus
        self._tape = tape
        self._sx1261 = sx1261

    def transfer(self, mosi: bytes) -> bytes:
        """Move one frame and write it down."""
        miso = self._bus.transfer(mosi)
        self._tape.add(sx1261_line(mosi, miso) if self._sx1261 else bus_line(mosi, miso))
        return miso

    def close(self) -> None:
        """Close the bus underneath."""
        self._bus.close()


class RecordedI2c:
    """An I2C bus whose messages are written down."""

    def __init__(self, i2c: I2c, tape: Tape) -> None:
        self._i2c = i2c
        self._tape = tape

    def write(self, address: int, data: bytes) -> bool:
        """Write one message."""
        done = self._i2c.write(address, data)
        nak = "" if done else " NAK"
        self._tape.add(f"I W {address:02x} {len(data)} {data.hex()}{nak}")
        return done

    def read(self, address: int, count: int) -> bytes | None:
        """Read one message."""
        data = self._i2c.read(address, count)
        shown = "NAK" if data is None else data.hex()
        self._tape.add(f"I R {address:02x} {count} {shown}")
        return data


class RecordedClock:
    """A clock whose sleeps are written down and summed."""

    def __init__(self, clock: HalClock, tape: Tape) -> None:
        self._clock = clock
        self._tape = tape
        self.slept_us = 0

    def sleep(self, seconds: float) -> None:
        """Sleep and write it down."""
        microseconds = round(seconds * 1e6)
        self.slept_us += microseconds
        self._tape.add(f"# wait_us {microseconds}")
        self._clock.sleep(seconds)

    def monotonic_us(self) -> int:
        """Return the clock underneath."""
        return self._clock.monotonic_us()


def bus_line(mosi: bytes, miso: bytes) -> str:
    """Return the line of one frame on the SX1302's bus."""
    if mosi[0]:
        return _radio_line(str(mosi[0]), mosi[1:], miso[RADIO_ANSWER_INDEX:])
    address = (mosi[1] & ~WRITE_BIT) << 8 | mosi[2]
    writes = bool(mosi[1] & WRITE_BIT)
    data = mosi[3:] if writes else miso[READ_ANSWER_INDEX:]
    shown = data.hex()
    if address < PROGRAM_RAM_END and len(data) > SHORT_BYTES:
        shown = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return f"0 {'W' if writes else 'R'} {address:04x} {len(data)} {shown}"


def sx1261_line(mosi: bytes, miso: bytes) -> str:
    """Return the line of one frame on the SX1261's bus."""
    return _radio_line("L", mosi, miso[1:])


def _radio_line(who: str, command: bytes, answer: bytes) -> str:
    opcode, arguments = command[0], command[1:]
    head = f"{opcode:02x} {len(arguments)} {arguments.hex() or '-'}"
    if opcode in READING_OPCODES:
        return f"{who} R {head} > {answer.hex()}"
    return f"{who} W {head}"
