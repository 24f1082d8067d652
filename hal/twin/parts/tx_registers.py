"""What the TX registers of one RF chain describe: the frame that a trigger would send.

Sources: FACTS §10 (registers; the terms of the LoRa start delay, which are what the path from modulator to
antenna takes), §13.15.
"""

from dataclasses import asdict, dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """What differs between modulations."""

    payload: bytes = b""
    preamble: int = 0
    air_time_us: int = CW_AIR_TIME_US
    with_crc: bool
    fsk_sync_word: bytes = b""
    low_data_rate: bool = False
    group_delay_ticks: int = 0


def _lora_frame(registers: bytearray, base: int, lora: Lora, *, with_crc: bool) -> _Frame:
    size, preamble = registers[base + 0x63], registers[base + 0x67] << 8 | registers[base + 0x66]
    header, low_rate = not registers[base + 0x62] & 0x02, bool(registers[base + 0x61] & 0x30)
    air_time_us = lora_air_time_us(
        lora, size, preamble=preamble, header=header, crc=with_crc, low_rate=low_rate
    )
    return _Frame(
        payload=bytes(registers[base + TX_BUFFER : base + TX_BUFFER + size]),
        preamble=preamble,
        air_time_us=air_time_us,
        with_crc=with_crc,
        low_data_rate=low_rate,
        group_delay_ticks=_group_delay_ticks(lora, registers[base + 0x69] >> 4 & 0x07),
    )


def _fsk_frame(registers: bytearray, base: int, fsk: Fsk) -> _Frame:
    preamble, at = registers[base + 0x42] << 8 | registers[base + 0x43], base + TX_BUFFER + 1
    payload = bytes(registers[at : at + registers[at - 1]])
    return _Frame(
        payload=payload,
        preamble=preamble,
        air_time_us=fsk_air_time_us(fsk, len(payload), preamble_bytes=preamble),
        with_crc=bool(registers[base + 0x41] & 0x02),
        fsk_sync_word=_fsk_sync_word(registers, base),
    )


def read_emission(registers: bytearray, rf_chain: int, *, name: str, trigger: TxTrigger) -> Emission | None:
    """Return the frame that the registers of ``rf_chain`` describe, None if they describe none.

    When it starts, and how strong it leaves, is not in it yet.
    """
    base = TX_BASE + CHAIN_SPAN * rf_chain
    modulation = _modulation(registers, base)
    with_crc = bool(registers[base + 0x62] & 0x01)
    match modulation:
        case None:
            return None
        case Lora() as lora:
            frame = _lora_frame(registers, base, lora, with_crc=with_crc)
        case Fsk() as fsk:
            frame = _fsk_frame(registers, base, fsk)
        case Cw():
            frame = _Frame(with_crc=with_crc)
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
        inverted=isinstance(modulation, Lora) and bool(registers[base + 0x69] & 0x02),
        implicit_header=bool(registers[base + 0x62] & 0x02),
        public=registers[base + 0x6D] & 0x1F == 6,
        started_at_ticks=0,
        started_at_us=0,
        **asdict(frame),
    )
