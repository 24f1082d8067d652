"""What must be added to a packet's latched counter to get the end of the packet.

Without fine timestamps the chip latches when it has finished decoding: the decoder's delay is taken off.
With them it latches at the end of the header: the payload is added.  All in integers, as the reference
truncates them; a clock period is in the reference's own unit, 250000 / (bandwidth / 125 kHz).

Sources: FACTS §9; sx1302_hal v2.1.0 ``loragw_sx1302_timestamp.c`` for the delays of each decoder stage.
"""

from dataclasses import dataclass

from hal.airtime import low_data_rate, payload_symbols, symbol_us
from hal.packets import Lora

CLOCK_PERIOD_125K = 250_000
FILTER_DELAY_125K = 16_000_000
FILTER_DELAY_FIXED = 2_031_250
ROUNDING = 500_000
UNIT_US = 1_000_000
HEADER_CODING_RATE = 4
FSK_DELAY_BITS_E6 = 680_000
FSK_FIXED_US = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """What the correction depends on; ``crc`` is the packet's own bit (FACTS §8, offset 4)."""

    modulation: Lora
    crc: bool
    payload_bytes: int


def fsk_correction_us(bitrate_bps: int) -> int:
    """Return the correction of an FSK packet."""
    return FSK_DELAY_BITS_E6 // bitrate_bps - FSK_FIXED_US


def precision_correction_us(packet: Stamped) -> int:
    """Return the correction from the end of the header, where the SX1303 latches, to that of the packet."""
    modulation = packet.modulation
    symbols = payload_symbols(
        modulation, packet.payload_bytes, header=True, crc=packet.crc, low_rate=modulation.sf >= 11
    )
    filtering = FILTER_DELAY_125K // _bandwidth_power(modulation) + FILTER_DELAY_FIXED
    # the reference subtracts a fraction and truncates towards zero
    exact_e6 = symbols * symbol_us(modulation) * UNIT_US - (filtering + ROUNDING)
    return exact_e6 // UNIT_US if exact_e6 >= 0 else -(-exact_e6 // UNIT_US)


def legacy_correction_us(packet: Stamped) -> int:
    """Return the correction from the end of decoding to the end of the packet; negative."""
    sf, power = packet.modulation.sf, _bandwidth_power(packet.modulation)
    clock = CLOCK_PERIOD_125K // power
    slow = int(low_data_rate(packet.modulation))
    octets = packet.payload_bytes + 2 * packet.crc
    in_header = 2 * octets - (sf - 7) <= 0 or octets == 0
    nibbles = _nibbles_in_last_block(sf, octets, slow=slow, in_header=in_header)
    coding_rate = HEADER_CODING_RATE if in_header else packet.modulation.coding_rate
    total = (
        FILTER_DELAY_125K // power
        + FILTER_DELAY_FIXED
        + clock * _fft_clocks(sf, slow=slow, peaks=not in_header)
        + clock * _demap_clocks(sf, slow=slow, in_header=in_header)
        + clock * (8 + (9 + coding_rate) * nibbles)
    )
    return -((total + ROUNDING) // UNIT_US)


def _bandwidth_power(modulation: Lora) -> int:
    return modulation.bandwidth_hz // 125_000


def _nibbles_in_last_block(sf: int, octets: int, *, slow: int, in_header: bool) -> int:
    first = sf if sf <= 6 else sf - 2
    if in_header:
        return first
    per_block = sf - 2 * slow
    return (octets * 2 + 5 - first) % per_block or per_block


def _fft_clocks(sf: int, *, slow: int, peaks: bool) -> int:
    samples = 1 << sf
    iterations = (sf + 1) // 2
    first = samples - 6 + 2 * (samples * (iterations - 1) + 6) + 4
    if peaks:
        return first + (5 - 2 * slow) * (samples + 7) + 2
    return first + 2 * samples + 3


def _demap_clocks(sf: int, *, slow: int, in_header: bool) -> int:
    samples = 1 << sf
    if in_header:
        return 1 + samples * 3 // 4 + 3 + sf - 2
    return 1 + samples + 3 + sf - 2 * slow
