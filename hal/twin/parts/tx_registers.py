"""What the TX registers of one RF chain describe: the frame that a trigger would send.

Sources: FACTS §10 (registers; the terms of the LoRa start delay, which are what the path from modulator to
antenna takes), §13.15.
"""

from hal.packets import Cw, Fsk, Lora, Modulation, TxTrigger
from hal.twin.emission import Emission
from hal.twin.facts import BANDWIDTHS_HZ
from hal.twin.symbols import fsk_air_time_us, lora_air_time_us

CHAIN_SPAN = 0x200
TX_BASE = 0x5200
TX_BUFFER = 0x100
POWER = 0x0D
CW_AIR_TIME_US = 1_000_000_000
"""A carrier stays until it is aborted."""
RADIO_DELAY_TICKS = {125_000: 19, 250_000: 24, 500_000: 21}
"""What an SX1250 takes at each bandwidth."""
MODEM_DELAY_CHIPS = 8
MICROSECONDS_A_SECOND = 1_000_000


def _frequency_hz(registers: bytearray, base: int) -> int:
    return round(int.from_bytes(registers[base + 0x25 : base + 0x28], "big") * 32_000_000 / (1 << 18))


def _modulation(registers: bytearray, base: int) -> Modulation | None:
    deviation_raw = (registers[base + 0x28] & 0x0F) << 8 | registers[base + 0x29]
    deviation_hz = round(deviation_raw * 32_000_000 / (1 << 18))
    match registers[base + 0x20] & 0x03:
        case 0:
            return Cw(offset_hz=deviation_hz)
        case 1:
            config = registers[base + 0x60]
            bandwidth, sf = BANDWIDTHS_HZ.get(config >> 4), config & 0x0F
            if bandwidth is None or not 5 <= sf <= 12:
                return None
            return Lora(sf=sf, bandwidth_hz=bandwidth, coding_rate=registers[base + 0x61] & 0x07)
        case 2:
            divider = registers[base + 0x44] << 8 | registers[base + 0x45]
            return Fsk(bitrate_bps=32_000_000 // max(1, divider), deviation_hz=deviation_hz)
        case _:
            return None


def _fsk_sync_word(registers: bytearray, base: int) -> bytes:
    size = (registers[base + 0x46] >> 5) + 1
    return bytes(registers[base + 0x47 : base + 0x47 + size])


def _group_delay_ticks(lora: Lora, lowpass: int) -> int:
    """Return what lies between modulator and antenna, in the reference's own arithmetic.

    >>> _group_delay_ticks(Lora(sf=9), 6)
    587
    """
    chip_ticks = MICROSECONDS_A_SECOND // lora.bandwidth_hz
    chips = (1 << lowpass) - 1 + MODEM_DELAY_CHIPS
    return RADIO_DELAY_TICKS[lora.bandwidth_hz] + chips * chip_ticks


def read_emission(registers: bytearray, rf_chain: int, *, name: str, trigger: TxTrigger) -> Emission | None:
    """Return the frame that the registers of ``rf_chain`` describe, None if they describe none.

    When it starts, and how strong it leaves, is not in it yet.
    """
    base = TX_BASE + CHAIN_SPAN * rf_chain
    modulation = _modulation(registers, base)
    buffer = base + TX_BUFFER
    implicit = bool(registers[base + 0x62] & 0x02)
    crc = bool(registers[base + 0x62] & 0x01)
    sync_word, low_rate, group_delay = b"", False, 0
    match modulation:
        case None:
            return None
        case Lora() as lora:
            size, preamble = registers[base + 0x63], registers[base + 0x67] << 8 | registers[base + 0x66]
            payload = bytes(registers[buffer : buffer + size])
            low_rate = bool(registers[base + 0x61] & 0x30)
            group_delay = _group_delay_ticks(lora, registers[base + 0x69] >> 4 & 0x07)
            air_time_us = lora_air_time_us(
                lora, size, preamble=preamble, header=not implicit, crc=crc, low_rate=low_rate
            )
        case Fsk() as fsk:
            preamble = registers[base + 0x42] << 8 | registers[base + 0x43]
            sync_word = _fsk_sync_word(registers, base)
            payload = bytes(registers[buffer + 1 : buffer + 1 + registers[buffer]])
            air_time_us = fsk_air_time_us(fsk, len(payload), preamble_bytes=preamble)
            crc = bool(registers[base + 0x41] & 0x02)
        case Cw():
            payload, preamble, air_time_us = b"", 0, CW_AIR_TIME_US
    power = registers[base + POWER]
    return Emission(
        name=name,
        rf_chain=rf_chain,
        trigger=trigger,
        modulation=modulation,
        frequency_hz=_frequency_hz(registers, base),
        power_dbm=0.0,
        pa_enabled=bool(power & 0x40),
        power_index=power & 0x3F,
        payload=payload,
        inverted=isinstance(modulation, Lora) and bool(registers[base + 0x69] & 0x02),
        with_crc=crc,
        implicit_header=implicit,
        preamble=preamble,
        public=registers[base + 0x6D] & 0x1F == 6,
        fsk_sync_word=sync_word,
        low_data_rate=low_rate,
        group_delay_ticks=group_delay,
        started_at_ticks=0,
        started_at_us=0,
        air_time_us=air_time_us,
    )
