"""A raw packet to a received frame: frequency, signal strength, CRC verdict, time.

Arithmetic is in the reference's precision (single floats for dB, integers for time), so that the results
are the same to the last digit.

Sources: FACTS §8 (frequency, RSSI, status), §9 (timestamps); FSK RSSI polynomial: §8.
"""

import struct
from collections import Counter
from functools import lru_cache

from hal.packets import Crc, Fsk, Lora, ReceivedFrame
from hal.settings import Channel, Radio, Settings, TemperatureCompensation
from hal.sx1302.channels.plan import if_register
from hal.sx1302.rx.fifo import SERVICE_CHANNEL, RawPacket, lora_crc16
from hal.sx1302.timing.counter import TICKS_PER_US, not_after
from hal.sx1302.timing.fine_time import FinePacket, PpsHistory, fine_ns
from hal.sx1302.timing.timestamps import (
    Stamped,
    fsk_correction_us,
    legacy_correction_us,
    precision_correction_us,
)
from hal.units import Dbm, Hz, Micros, Ticks32MHz

_FLOAT = struct.Struct("f")
OFFSET_STEP_HZ = {125_000: 0.11920929, 250_000: 0.238418579, 500_000: 0.476837158}
FSK_RSSI = (90.636423, 0.420835, 0.007129, -0.000026)
FSK_UNDEFINED_DB = -128.0
"""What the reference says for an FSK packet's SNR and, before the board's offset, signal RSSI."""
DUPLICATE_TOLERANCE_US = 24
"""Two demodulations of one packet lie at most three samples apart (FACTS §8)."""


TEMPERATURES_KEPT = 8
"""A board has two radios, and its temperature is read every ten seconds."""


class Decoding:
    """What one fetch is decoded with; the offsets of both radios are worked out once."""

    __slots__ = ("history", "latest_us", "levels", "settings")

    def __init__(
        self, *, settings: Settings, latest_us: Micros, history: PpsHistory, temperature_c: float | None
    ) -> None:
        self.settings = settings
        self.latest_us = latest_us
        self.history = history
        self.levels = tuple(
            (0.0, 0.0) if radio is None else level_offsets(radio, temperature_c) for radio in settings.radios
        )


def single(value: float) -> float:
    """Return ``value`` in the precision of a C float."""
    rounded: float = _FLOAT.unpack(_FLOAT.pack(value))[0]
    return rounded


def level_offsets(radio: Radio, temperature_c: float | None) -> tuple[float, float]:
    """Return what is added to a radio's raw RSSI: its board's offset, and temperature compensation."""
    if temperature_c is None:
        return single(radio.rssi_offset_db), 0.0
    return single(radio.rssi_offset_db), temperature_offset_db(radio.compensation, temperature_c)


@lru_cache(maxsize=TEMPERATURES_KEPT)
def temperature_offset_db(compensation: TemperatureCompensation, temperature_c: float) -> float:
    """Return the RSSI correction at a board temperature."""
    of = compensation
    a, b, c, d, e = (single(coefficient) for coefficient in (of.a, of.b, of.c, of.d, of.e))
    t = single(temperature_c)
    return single((a * t**4 + b * t**3 + c * t**2 + single(d * t) + e) / 65536)


def decode(packets: tuple[RawPacket, ...], context: Decoding, counts: Counter[str]) -> list[ReceivedFrame]:
    """Return the frames of one fetch, in the order of the FIFO, duplicates of dual demodulation merged.

    A packet on a channel that is not configured cannot be placed in frequency: it is counted
    (``channel_unknown``) and left out.
    """
    frames = []
    for packet in packets:
        channel = context.settings.all_channels[packet.channel]
        radio = None if channel is None else context.settings.radios[channel.rf_chain]
        if channel is None or radio is None:
            counts["channel_unknown"] += 1
            continue
        frame = (
            _fsk(packet, channel, radio, context) if packet.is_fsk else _lora(packet, channel, radio, context)
        )
        counts[f"crc_{frame.crc}"] += 1
        if frame.crc is Crc.BAD and not packet.crc_error:
            counts["crc_mismatch"] += 1
        frames.append(frame)
    if context.settings.fine_timestamp is None:
        return frames
    merged = merge_duplicates(frames)
    counts["duplicates"] += len(frames) - len(merged)
    return merged


def _signal_db(raw: float, rf_chain: int, context: Decoding) -> Dbm:
    offset, compensation = context.levels[rf_chain]
    return Dbm(single(single(single(raw) + offset) + compensation))


def _crc(packet: RawPacket, settings: Settings) -> Crc:
    implicit = (
        packet.channel == SERVICE_CHANNEL and settings.service is not None and settings.service.implicit_crc
    )
    if not packet.crc_present and (packet.is_fsk or not implicit):
        return Crc.ABSENT
    if packet.crc_error:
        return Crc.BAD
    if packet.is_fsk or not packet.payload or lora_crc16(packet.payload) == packet.crc16:
        return Crc.OK
    return Crc.BAD


def _modulation(packet: RawPacket, channel: Channel, settings: Settings) -> Lora:
    service = settings.service if packet.channel == SERVICE_CHANNEL else None
    coding_rate = packet.coding_rate
    if service is not None and service.implicit_header:
        coding_rate = service.implicit_coding_rate
    return Lora(
        sf=packet.sf,
        bandwidth_hz=channel.bandwidth_hz,
        coding_rate=coding_rate if 1 <= coding_rate <= 4 else 0,
    )


def _lora(packet: RawPacket, channel: Channel, radio: Radio, context: Decoding) -> ReceivedFrame:
    modulation = _modulation(packet, channel, context.settings)
    frequency_hz = Hz(radio.frequency_hz + channel.if_hz)
    offset_hz = Hz(
        int(single(packet.frequency_error * single(OFFSET_STEP_HZ[channel.bandwidth_hz])))
        + _if_error_hz(channel.if_hz)
    )
    stamped = Stamped(modulation=modulation, crc=packet.crc_present, payload_bytes=len(packet.payload))
    verdict = _crc(packet, context.settings)
    return ReceivedFrame(
        payload=packet.payload,
        modulation=modulation,
        frequency_hz=frequency_hz,
        frequency_offset_hz=offset_hz,
        counter_us=Micros(_stamped_us(packet, context) + _correction_us(stamped, context)),
        rf_chain=channel.rf_chain,
        if_channel=packet.channel,
        modem=packet.modem,
        crc=verdict,
        crc16=packet.crc16,
        rssi_channel_dbm=_signal_db(packet.rssi_channel, channel.rf_chain, context),
        rssi_signal_dbm=_signal_db(packet.rssi_signal, channel.rf_chain, context),
        snr_db=packet.snr_quarters / 4,
        fine_ns=_fine(packet, channel, (frequency_hz + offset_hz) / frequency_hz - 1.0, context)
        if verdict is Crc.OK
        else None,
    )


def _fsk(packet: RawPacket, channel: Channel, radio: Radio, context: Decoding) -> ReceivedFrame:
    fsk = context.settings.fsk
    assert fsk is not None, "a channel 9 is configured by its modem"
    raw = packet.rssi_channel
    level = FSK_RSSI[0] + FSK_RSSI[1] * raw + FSK_RSSI[2] * raw**2 + FSK_RSSI[3] * raw**3
    return ReceivedFrame(
        payload=packet.payload,
        modulation=Fsk(bitrate_bps=fsk.bitrate_bps),
        frequency_hz=Hz(radio.frequency_hz + channel.if_hz),
        counter_us=Micros(_stamped_us(packet, context) + fsk_correction_us(fsk.bitrate_bps)),
        rf_chain=channel.rf_chain,
        if_channel=packet.channel,
        modem=packet.modem,
        crc=_crc(packet, context.settings),
        crc16=packet.crc16,
        rssi_channel_dbm=_signal_db(level, channel.rf_chain, context),
        rssi_signal_dbm=_signal_db(FSK_UNDEFINED_DB, channel.rf_chain, context),
        snr_db=FSK_UNDEFINED_DB,
    )


def _stamped_us(packet: RawPacket, context: Decoding) -> Micros:
    return not_after(packet.ticks // TICKS_PER_US, context.latest_us)


def _ticks(packet: RawPacket) -> Ticks32MHz:
    return Ticks32MHz(packet.ticks)


def _correction_us(stamped: Stamped, context: Decoding) -> int:
    if stamped.modulation.coding_rate == 0:
        return 0
    if context.settings.fine_timestamp is None:
        return legacy_correction_us(stamped)
    return precision_correction_us(stamped)


def _if_error_hz(if_hz: int) -> int:
    """Return how far the channel is from where its 13-bit register puts it."""
    set_hz = if_register(if_hz) * 15625
    return if_hz - (set_hz // 32 if set_hz >= 0 else -(-set_hz // 32))


def _fine(packet: RawPacket, channel: Channel, error: float, context: Decoding) -> int | None:
    if not packet.metrics or not packet.timing_set:
        return None
    fine = FinePacket(
        sf=packet.sf,
        ticks=_ticks(packet),
        metrics=packet.metrics,
        if_hz=channel.if_hz,
        frequency_error=error,
    )
    return fine_ns(fine, context.history)


def merge_duplicates(frames: list[ReceivedFrame]) -> list[ReceivedFrame]:
    """Keep one of each packet that two modems demodulated, and sort by time.

    Of two, the one with a good CRC stays, else the one with a fine timestamp.
    """
    kept: list[ReceivedFrame] = []
    for frame in frames:
        twin = next((index for index, other in enumerate(kept) if _same(other, frame)), None)
        if twin is None:
            kept.append(frame)
        else:
            kept[twin] = _better(kept[twin], frame)
    return sorted(kept, key=lambda frame: frame.counter_us)


def _same(one: ReceivedFrame, other: ReceivedFrame) -> bool:
    return (
        abs(one.counter_us - other.counter_us) <= DUPLICATE_TOLERANCE_US
        and one.if_channel == other.if_channel
        and _rate(one) == _rate(other)
        and one.payload == other.payload
    )


def _rate(frame: ReceivedFrame) -> int:
    modulation = frame.modulation
    return modulation.sf if isinstance(modulation, Lora) else modulation.bitrate_bps


def _better(first: ReceivedFrame, second: ReceivedFrame) -> ReceivedFrame:
    verdicts = (first.crc, second.crc)
    if verdicts == (Crc.OK, Crc.BAD):
        return first
    if verdicts == (Crc.BAD, Crc.OK):
        return second
    return first if first.fine_ns is not None else second
