"""The twin's own arithmetic of air time, and of the delay from a frame's end to its timestamp.

Kept apart from the driver's on purpose: two independent readings of the same facts must agree.

Sources: Semtech AN1200.13 §4 for the symbols of a LoRa packet; sx1302_hal v2.1.0
``loragw_sx1302_timestamp.c`` (delays of the demodulator), ``loragw_aux.c`` (payload symbols);
FACTS §9, §10.  Golden packets: ``tests/unit/hal/twin/test_symbols.py``.
"""

from hal.packets import Fsk, Lora
from hal.twin.facts import TICKS_PER_US

BASE_BANDWIDTH_HZ = 125_000
SLOW_SYMBOL_US = 16_000
"""From symbols this long on senders use LDRO (SX1272 datasheet §4.1.1.6)."""
FSK_SYNC_BYTES = 3
FSK_CRC_BYTES = 2
FSK_LENGTH_BYTES = 1
FSK_PREAMBLE_BYTES = 5


def symbol_us(lora: Lora) -> int:
    """Return the length of one symbol.

    >>> symbol_us(Lora(sf=7))
    1024
    """
    return (1 << lora.sf) * 8 * BASE_BANDWIDTH_HZ // lora.bandwidth_hz


def payload_symbols(lora: Lora, size: int, *, header: bool, crc: bool, low_rate: bool) -> int:
    """Return the symbols after the 8 of the header block."""
    header_bits = 20 if header else 0
    slack_bits = 0 if lora.sf <= 6 else 8
    bits = 8 * size + (16 if crc else 0) - 4 * lora.sf + slack_bits + header_bits
    per_block = 4 * (lora.sf - (2 if low_rate else 0))
    return max(0, -(-bits // per_block)) * (lora.coding_rate + 4)


def lora_air_time_us(
    lora: Lora,
    size: int,
    *,
    preamble: int = 8,
    header: bool = True,
    crc: bool = True,
    low_rate: bool | None = None,
) -> int:
    """Return the air time; ``low_rate`` None follows symbols of 16 ms or more, as transmitters are set.

    >>> lora_air_time_us(Lora(sf=7), 10)
    41216
    """
    symbol = symbol_us(lora)
    if low_rate is None:
        low_rate = symbol >= SLOW_SYMBOL_US
    payload = payload_symbols(lora, size, header=header, crc=crc, low_rate=low_rate)
    sync_quarters = 25 if lora.sf <= 6 else 17
    return symbol * (4 * (preamble + 8 + payload) + sync_quarters) // 4


def fsk_air_time_us(fsk: Fsk, size: int, *, preamble_bytes: int = FSK_PREAMBLE_BYTES) -> int:
    """Return the air time of a variable-length FSK packet with CRC.

    >>> fsk_air_time_us(Fsk(), 17)
    4480
    """
    total = preamble_bytes + FSK_SYNC_BYTES + FSK_LENGTH_BYTES + size + FSK_CRC_BYTES
    return 8 * total * 1_000_000 // fsk.bitrate_bps


def air_time_us(modulation: Lora | Fsk, size: int, *, preamble: int = 8) -> int:
    """Return the air time of an uplink as sensors send it."""
    match modulation:
        case Lora():
            return lora_air_time_us(modulation, size, preamble=preamble)
        case Fsk():
            return fsk_air_time_us(modulation, size)


def _filter_delay(bandwidth_power: int) -> int:
    """Return the decimation filter's delay in 1e-6 µs."""
    return 16_000_000 // bandwidth_power + 2_031_250


def legacy_delay_us(lora: Lora, size: int, *, crc: bool, peak_interpolation: bool) -> int:
    """Return how long after the end of the packet the legacy timestamp is latched.

    ``peak_interpolation`` is DFT_PEAK_EN of the demodulator that took it.
    """
    sf, power = lora.sf, lora.bandwidth_hz // BASE_BANDWIDTH_HZ
    clk = 250_000 // power
    bins = 1 << sf
    low_rate = 1 if symbol_us(lora) >= 16_000 else 0
    header_nibbles = sf if sf <= 6 else sf - 2
    in_header = 2 * (size + 2 * crc) - (sf - 7) <= 0 or (size == 0 and not crc)
    if in_header:
        last_nibbles, coding_rate, demap = header_nibbles, 4, clk * (bins * 3 // 4 + sf + 2)
        peak_interpolation = False
    else:
        per_block = sf - 2 * low_rate
        last_nibbles = ((size + 2 * crc) * 2 + 5 - header_nibbles) % per_block or per_block
        coding_rate, demap = lora.coding_rate, clk * (bins + 4 + per_block)
    rounds = (sf + 1) // 2
    fft = clk * (bins - 6 + 2 * (bins * (rounds - 1) + 6) + 4)
    fft += clk * ((5 - 2 * low_rate) * (bins + 7) + 2) if peak_interpolation else clk * (2 * bins + 3)
    decode = clk * (8 + (9 + coding_rate) * last_nibbles)
    return (_filter_delay(power) + fft + demap + decode + 500_000) // 1_000_000


def precision_delay_us(lora: Lora, size: int, *, crc: bool) -> int:
    """Return the distance from the end of the packet to the latch at the end of the header (negative).

    The filter's delay is rounded up, as the reference's subtraction of a fraction from an integer does.
    """
    power = lora.bandwidth_hz // BASE_BANDWIDTH_HZ
    symbols = payload_symbols(lora, size, header=True, crc=crc, low_rate=lora.sf >= 11)
    filter_us = -((_filter_delay(power) + 500_000) // -1_000_000)
    return filter_us - symbols * symbol_us(lora)


def fsk_delay_us(fsk: Fsk) -> int:
    """Return how far the FSK timestamp lies from the end of the packet; negative is before (FACTS §9)."""
    return 20 - 680_000 // fsk.bitrate_bps


def us_to_ticks(microseconds: int) -> int:
    """Return ticks of the 32 MHz counter."""
    return microseconds * TICKS_PER_US
