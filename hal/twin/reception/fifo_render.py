"""A heard frame as the bytes that the chip puts into its RX FIFO.

An SX1303 stamps a frame with a whole tick and adds pairs of signed bytes, one pair a symbol.  A driver sums
them up cumulatively; their mean is the part of a tick (or the few ticks) that the stamp lacks.

Sources: FACTS §8 (layout, RSSI, SNR, frequency error, CRC16, 2·m signed metrics), §9 (the timestamp; mean of
cumulated metrics, clip to 4/8/16/32 by SF), §6.6 (MAX_TS_METRICS 0x58C1, TIMESTAMP_ENABLE 0x58B3 bit 3), §12.
"""

import binascii
from collections.abc import Callable
from dataclasses import dataclass

from hal.packets import Crc, Fsk, Lora
from hal.twin.facts import MODEL_SX1303
from hal.twin.parts.power import rak_dbm
from hal.twin.reception.channelizer import Ear
from hal.twin.rf_event import RfEvent
from hal.twin.symbols import fsk_delay_us, legacy_delay_us, payload_symbols, precision_delay_us, us_to_ticks

MAX_METRICS = 0x58C1
TIMESTAMP_CONFIG = 0x58B3
TIMESTAMP_ENABLE = 0x08
CLIP_BY_SF = {12: 4, 11: 8, 10: 16}
CLIP_OTHERWISE = 32
FIRST_METRIC_RANGE = range(-128, 127)
SYNC = b"\xa5\xc0"
FLAG_CRC_ERROR = 0x01
FLAG_TIMING_SET = 0x10
FREQUENCY_LSB_HZ = 125_000 / (1 << 20)
"""0.11920929 Hz at 125 kHz, doubled with the bandwidth (FACTS §8)."""
FSK_RSSI_POLYNOMIAL = (90.636423, 0.420835, 0.007129, -0.000026)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontEnd:
    """What a board does between antenna and chip; RAK2287's figures.

    ``rssi_offset_db`` and ``rssi_tcomp`` are what a correct board file says, so that a driver with that file
    reads back the power at the antenna.
    """

    rssi_offset_db: float = -215.4
    rssi_tcomp: tuple[float, float, float, float, float] = (0.0, 0.0, 20.41, 2162.56, 0.0)
    tx_power_dbm: Callable[[int], float] = rak_dbm
    """Conducted power for a value of AGC_TX_PWR."""

    def raw_rssi(self, rssi_dbm: float, temperature_c: float) -> float:
        """Return what the chip measures, in its own decibels."""
        drift = 0.0
        for coefficient in self.rssi_tcomp:
            drift = drift * temperature_c + coefficient
        return rssi_dbm - self.rssi_offset_db - drift / 65536


def lora_crc16(payload: bytes) -> int:
    """Return the payload CRC of a LoRa packet.

    >>> hex(lora_crc16(bytes.fromhex("030a11181f262d343b424950")))
    '0x7544'
    """
    padded = b"\0\0" + payload
    return binascii.crc_hqx(padded[:-2], 0) ^ int.from_bytes(padded[-2:], "big")


def _byte(value: float) -> int:
    return min(255, max(0, round(value)))


def _fsk_raw(level: float) -> int:
    """Return the raw reading whose polynomial (FACTS §8) comes closest to ``level``."""
    a, b, c, d = FSK_RSSI_POLYNOMIAL
    return min(range(181), key=lambda raw: abs(a + b * raw + c * raw**2 + d * raw**3 - level))


def _frequency_raw(event: RfEvent, ear: Ear) -> int:
    """Return the frequency error field: the channel's true centre minus the sender **[A]**.

    This sign alone makes two steps of the reference right at once: it adds IF minus the IF register to the
    reading, and it shortens the header of a sender that runs fast.
    """
    if isinstance(event.modulation, Fsk):
        return 0
    lsb = FREQUENCY_LSB_HZ * (event.modulation.bandwidth_hz // 125_000)
    return round((ear.centre_hz - event.frequency_hz - event.frequency_error_hz) / lsb)


def latch_ticks(event: RfEvent, ear: Ear, *, legacy: bool, ends_at_ticks: int) -> int:
    """Return when the chip stamps the frame, for a frame that ends at ``ends_at_ticks``."""
    size, crc = len(event.payload), event.crc is not Crc.ABSENT
    match event.modulation:
        case Fsk() as fsk:
            delay = fsk_delay_us(fsk)
        case Lora() as lora if legacy:
            delay = legacy_delay_us(lora, size, crc=crc, peak_interpolation=ear.peak_interpolation)
        case Lora() as lora:
            delay = precision_delay_us(lora, size, crc=crc)
    return ends_at_ticks + us_to_ticks(delay)


def decode_delay_us(event: RfEvent) -> int:
    """Return how long after its end a frame shows in the FIFO: at its legacy timestamp, never before."""
    match event.modulation:
        case Fsk() as fsk:
            return max(0, fsk_delay_us(fsk))
        case Lora() as lora:
            crc = event.crc is not Crc.ABSENT
            return legacy_delay_us(lora, len(event.payload), crc=crc, peak_interpolation=True)


def _payload_crc(event: RfEvent) -> int:
    if event.crc is Crc.ABSENT:
        return 0
    if isinstance(event.modulation, Fsk):
        value = binascii.crc_hqx(event.payload, 0x1D0F) ^ 0xFFFF
    else:
        value = lora_crc16(event.payload)
    return value ^ 0x5A5A if event.crc is Crc.BAD else value


def render(
    event: RfEvent,
    ear: Ear,
    *,
    modem: int,
    stamp: int,
    raw_rssi: float,
    metrics: bytes = b"",
) -> bytes:
    """Return the FIFO bytes of one frame; ``stamp`` is the low 32 bits of the latch."""
    match event.modulation:
        case Lora() as lora:
            rate = lora.sf << 4 | lora.coding_rate << 1
            snr = min(127, max(-128, round(event.snr_db * 4))) & 0xFF
            channel = _byte(raw_rssi)
            signal = _byte(raw_rssi + min(0.0, event.snr_db))
        case Fsk():
            rate, snr, signal = 0, 0, 0
            channel = _fsk_raw(raw_rssi)
    flags = (FLAG_CRC_ERROR if event.crc is Crc.BAD else 0) | (FLAG_TIMING_SET if metrics else 0)
    body = (
        SYNC
        + bytes((len(event.payload), ear.channel, rate | (event.crc is not Crc.ABSENT), modem))
        + (_frequency_raw(event, ear) & 0xFFFFF).to_bytes(3, "little")
        + event.payload
        + bytes((flags, snr, channel, signal, 0, 0))
        + (stamp & 0xFFFFFFFF).to_bytes(4, "little")
        + _payload_crc(event).to_bytes(2, "little")
        + bytes((len(metrics) // 2,))
        + metrics
    )
    return body + bytes((sum(body) & 0xFF,))


def metric_pairs(registers: bytearray, model: int, event: RfEvent) -> int:
    """Return how many pairs the chip appends: one a payload symbol, up to its limit; 0 where it has none."""
    lora = event.modulation
    if model != MODEL_SX1303 or not isinstance(lora, Lora) or lora.bandwidth_hz != 125_000:
        return 0
    if not registers[TIMESTAMP_CONFIG] & TIMESTAMP_ENABLE or event.crc is Crc.ABSENT:
        return 0
    symbols = payload_symbols(lora, len(event.payload), header=True, crc=True, low_rate=lora.sf >= 11)
    return min(registers[MAX_METRICS], symbols)


def metrics(fraction_ticks: float, sf: int, pairs: int) -> bytes:
    """Return ``2 * pairs`` signed bytes whose cumulated mean over the clipped part is ``fraction_ticks``.

    The resolution is one tick over the clipped count: about half a nanosecond at SF9 and below.

    >>> metrics(0.25, 12, 4).hex()
    '0000000000000100'
    """
    count = 2 * min(pairs, CLIP_BY_SF.get(sf, CLIP_OTHERWISE))
    if not count:
        return b""
    whole = int(fraction_ticks // 1)
    whole = min(max(whole, FIRST_METRIC_RANGE.start), FIRST_METRIC_RANGE.stop - 1)
    raised = min(count, max(0, round((fraction_ticks - whole) * count)))
    values = [0] * (2 * pairs)
    values[0] = whole
    if raised:
        values[count - raised] += 1
    return bytes(value & 0xFF for value in values)
