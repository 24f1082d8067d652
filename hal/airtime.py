"""Time on air, and the symbols of a LoRa payload.

Sources: the LoRa formula of Semtech's AN1200.13, as in sx1302_hal v2.1.0 ``loragw_aux.c`` (FACTS §10).
Low-data-rate optimisation follows what the transmitter is told (symbols of 16 ms or more), not that
file's SF11 and SF12 at any bandwidth; ``reference_lora_us`` keeps the latter for what must equal the
reference: listen-before-talk's limit and precision timestamps.
"""

from hal.packets import Fsk, Lora
from hal.units import Micros

FSK_SYNC_BYTES = 3
SLOW_SYMBOL_US = 16_000


def symbol_us(modulation: Lora) -> int:
    """Return the duration of one symbol.

    >>> symbol_us(Lora(sf=7))
    1024
    """
    return (1 << modulation.sf) * 1_000_000 // modulation.bandwidth_hz


def low_data_rate(modulation: Lora) -> bool:
    """Whether the transmitter is told to optimise for slow symbols (``SET_PPM_ON``)."""
    return symbol_us(modulation) >= SLOW_SYMBOL_US


def payload_symbols(modulation: Lora, payload_bytes: int, *, header: bool, crc: bool, low_rate: bool) -> int:
    """Return the symbols of header and payload after the eight that are always there."""
    sf = modulation.sf
    bits = 8 * payload_bytes + 16 * crc - 4 * sf + (8 if sf >= 7 else 0) + 20 * header
    per_block = 4 * (sf - 2 * low_rate)
    return -(-max(bits, 0) // per_block) * (modulation.coding_rate + 4)


def _lora_us(modulation: Lora, symbols: int, preamble_symbols: int) -> Micros:
    quarters = 4 * (preamble_symbols + 8 + symbols) + (17 if modulation.sf >= 7 else 25)
    return Micros(quarters * symbol_us(modulation) // 4)


def lora_us(
    modulation: Lora, payload_bytes: int, *, preamble_symbols: int = 8, header: bool = True, crc: bool = True
) -> Micros:
    """Return the time on air of a LoRa packet.

    >>> lora_us(Lora(sf=7), 10)
    41216
    """
    low_rate = low_data_rate(modulation)
    symbols = payload_symbols(modulation, payload_bytes, header=header, crc=crc, low_rate=low_rate)
    return _lora_us(modulation, symbols, preamble_symbols)


SYMBOLS_BEFORE_PAYLOAD = 12.25
"""Sync word, start of frame and the eight symbols that are always there; two more at SF5 and SF6."""


def after_preamble_us(modulation: Lora, payload_bytes: int, *, crc: bool = True) -> Micros:
    """Return the time from the end of the preamble, to which a fine timestamp belongs, to that of the packet.

    >>> after_preamble_us(Lora(sf=7), 10)
    33024
    """
    symbols = payload_symbols(
        modulation, payload_bytes, header=True, crc=crc, low_rate=low_data_rate(modulation)
    )
    before = SYMBOLS_BEFORE_PAYLOAD + (2 if modulation.sf <= 6 else 0)
    return Micros(round((before + symbols) * symbol_us(modulation)))


def reference_lora_us(
    modulation: Lora, payload_bytes: int, *, preamble_symbols: int, header: bool, crc: bool
) -> Micros:
    """Return what the reference computes: slow symbols are assumed for SF11 and SF12 at any bandwidth."""
    low_rate = modulation.sf >= 11
    symbols = payload_symbols(modulation, payload_bytes, header=header, crc=crc, low_rate=low_rate)
    return _lora_us(modulation, symbols, preamble_symbols)


def fsk_us(
    modulation: Fsk,
    payload_bytes: int,
    *,
    preamble_bytes: int = 5,
    crc: bool = True,
    sync_bytes: int = FSK_SYNC_BYTES,
) -> Micros:
    """Return the time on air of an FSK packet: preamble, sync word, length byte, payload, CRC."""
    octets = preamble_bytes + sync_bytes + 1 + payload_bytes + 2 * crc
    return Micros(-(-8 * octets * 1_000_000 // modulation.bitrate_bps))
