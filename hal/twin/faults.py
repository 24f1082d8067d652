"""Faults of the virtual chip on request: what breaks on a mast, one switch each.

Every switch may be thrown from any thread while a program drives the chip.

Sources: FACTS §14 (stuck AGC: status 0x14 with the parity bits set, issue #154), §9 (torn counter reads),
§8 (torn count reads); the other faults are those of cables, power and time.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class Mcu(StrEnum):
    """The two microcontrollers inside the chip."""

    AGC = "agc"
    ARB = "arb"


AGC_STUCK_STATUS = 0x14


@dataclass(slots=True, kw_only=True)
class Faults:
    """Switches; all off is a healthy chip."""

    agc_stuck: bool = False
    """Status 0x14 and both parity bits set; nothing is received, the bus stays healthy."""
    deaf: bool = False
    """Antenna gone: no frame reaches the demodulators, everything else looks well."""
    silent_mcus: set[Mcu] = field(default_factory=set)
    """Microcontrollers that never answer after their program was started."""
    dead_bus: int | None = None
    """Every MISO byte is this (0x00 or 0xFF) and nothing that is written arrives."""
    missing_sensor: bool = False
    pps_missing: bool = False
    radio_calibration_fails: set[int] = field(default_factory=set)
    """Radios (0, 1) whose image calibration ends with the error bit set."""
    tx_stuck: bool = False
    """The transmit state machine never becomes free again."""
    torn_counter_reads: int = 0
    """Number of next reads of the counters that show a carry half done."""
    torn_fifo_counts: int = 0
    """Number of next reads of the FIFO count that show one old byte and one new."""
    bad_checksums: int = 0
    """Number of next frames that get a wrong checksum byte."""
    spi_bit_error_every_bytes: int = 0
    """Bytes per flipped bit, on average and in both directions; 0 flips none."""
    random: Random = field(default_factory=lambda: Random(1302))  # noqa: S311 - a reproducible fault, no secret

    def flip_bits(self, moved: bytes) -> bytes:
        """Return ``moved`` with the bit errors of the line."""
        every = self.spi_bit_error_every_bytes
        if not every:
            return moved
        spoiled = bytearray(moved)
        for index in range(len(spoiled)):
            if self.random.randrange(every) == 0:
                spoiled[index] ^= 1 << self.random.randrange(8)
        return bytes(spoiled)

    def tear_counters(self, eight: bytes) -> bytes:
        """Return the 8 bytes of 0x6101 as a read that races with a carry shows them."""
        if self.torn_counter_reads <= 0:
            return eight
        self.torn_counter_reads -= 1
        return eight[:4] + bytes(((eight[4] + 1) & 0xFF,)) + eight[5:]

    def tear_count(self, count: int) -> int:
        """Return the FIFO count as a read that races with an arriving frame shows it."""
        if self.torn_fifo_counts <= 0:
            return count
        self.torn_fifo_counts -= 1
        return count & 0x00FF if count > 0x00FF else 0
