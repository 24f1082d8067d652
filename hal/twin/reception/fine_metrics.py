"""The fine-timestamp metrics of the SX1303: where, within a tick, a frame really arrived.

The chip stamps a frame with a whole tick and adds pairs of signed bytes, one pair a symbol.  A driver sums
them up cumulatively and takes the mean, which is the part of a tick (or the few ticks) that the stamp lacks.

Sources: FACTS §8 (2·m signed metrics), §9 (mean of cumulated metrics, clip to 4/8/16/32 by SF), §6.6
(MAX_TS_METRICS 0x58C1, TIMESTAMP_ENABLE 0x58B3 bit 3); §12 (SX1303 only).
"""

from hal.packets import Crc, Lora
from hal.twin.facts import MODEL_SX1303
from hal.twin.rf_event import RfEvent
from hal.twin.symbols import payload_symbols

MAX_METRICS = 0x58C1
TIMESTAMP_CONFIG = 0x58B3
TIMESTAMP_ENABLE = 0x08
CLIP_BY_SF = {12: 4, 11: 8, 10: 16}
CLIP_OTHERWISE = 32
FIRST_METRIC_RANGE = range(-128, 127)


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
