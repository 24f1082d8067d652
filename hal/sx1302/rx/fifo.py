"""The RX FIFO: ``parse`` makes raw packets of its bytes, ``encode`` renders them, ``Fetch`` takes what waits.

One bad packet costs one packet: the rest of a fetch is found again at the next sync word whose packet
checks.  A packet cut off at the end of a fetch waits for its rest in ``Parsed.rest``.

The count is two bytes and can be read torn.  A first reading of zero is believed: a torn zero waits for
the next poll.  Anything else is read again; the count only grows, so the second must not be smaller.

Sources: FACTS §8 (layout, checksum, ranges, count, the reference's second read); §14 (the reference drops the
whole fetch).
"""

import binascii
from collections import Counter
from dataclasses import dataclass

from hal.bus import spi_frames
from hal.bus.access import Registers
from hal.errors import ChipMisbehaved, LineFailed
from hal.fault import Fault, FaultKind

COUNT_FRAME = spi_frames.read(0x58C8, 2)
FIFO_AT = 0x4000
READINGS_LIMIT = 4
DEAD_LINE = b"\xff\xff"
SYNC = b"\xa5\xc0"
HEAD_BYTES = 9
TAIL_BYTES = 14
METRIC_BYTES = 2
PACKET_LIMIT_BYTES = HEAD_BYTES + 255 + TAIL_BYTES + METRIC_BYTES * 255
COUNT_MASK = 0x1FFF
FIFO_BYTES = 4096
SERVICE_MODEM = 16
FSK_MODEM = 17
CHANNELS = 10
SERVICE_CHANNEL = 8
FSK_CHANNEL = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPacket:
    """One packet with the chip's own numbers; the fields are those of FACTS §8."""

    payload: bytes
    channel: int
    modem: int
    crc_present: bool
    coding_rate: int
    sf: int
    frequency_error: int
    crc_error: bool = False
    sync_error: bool = False
    header_error: bool = False
    timing_set: bool = False
    snr_quarters: int = 0
    rssi_channel: int = 0
    rssi_signal: int = 0
    ticks: int
    crc16: int = 0
    metrics: tuple[int, ...] = ()

    @property
    def is_fsk(self) -> bool:
        """Whether the FSK modem heard it."""
        return self.channel == FSK_CHANNEL


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a fetch held; every byte is in a packet, in ``dropped_bytes`` or in ``rest``."""

    packets: tuple[RawPacket, ...] = ()
    rest: bytes = b""
    dropped_bytes: int = 0
    checksum_bad: int = 0
    range_bad: int = 0
    resynchronised: int = 0


class _Incomplete(Exception):
    """The packet's length leads past the end of what was fetched."""


class _Refused(Exception):
    """The bytes after a sync word are no packet; ``counter`` of ``Parsed`` says why."""

    def __init__(self, counter: str, length: int) -> None:
        super().__init__(counter)
        self.counter = counter
        self.length = length


def parse(data: bytes) -> Parsed:
    """Return the packets in ``data`` and what became of the other bytes; never raises."""
    packets: list[RawPacket] = []
    counts = {"dropped_bytes": 0, "checksum_bad": 0, "range_bad": 0, "resynchronised": 0}
    at = 0
    while at < len(data):
        try:
            packet, length = _decode(data, at)
        except _Incomplete:
            ahead = _next_sound(data, at + 1)
            if ahead is None:
                break
            following = ahead
        except _Refused as refusal:
            counts[refusal.counter] += refusal.counter != "resynchronised"
            following = _after_refused(data, at, refusal)
        else:
            packets.append(packet)
            at += length
            continue
        counts["dropped_bytes"] += following - at
        counts["resynchronised"] += 1
        at = following
    return Parsed(packets=tuple(packets), rest=data[at:], **counts)


def _after_refused(data: bytes, at: int, refusal: _Refused) -> int:
    """Return where to go on: after the refused packet if one starts there, else at the next sync word.

    With a bad checksum the length itself may be what is damaged, and end on a later packet: a sound packet
    inside goes first.
    """
    end = at + refusal.length
    if refusal.length and (end == len(data) or data[end : end + 2] == SYNC):
        inside = _next_sound(data, at + 1) if refusal.counter == "checksum_bad" else None
        return end if inside is None else min(inside, end)
    found = data.find(SYNC, at + 1)
    if found >= 0:
        return found
    return len(data) - 1 if data[-1] == SYNC[0] and len(data) - 1 > at else len(data)


def _next_sound(data: bytes, start: int) -> int | None:
    """Return the next sync word that starts a complete packet with a good checksum."""
    at = data.find(SYNC, start)
    while at >= 0:
        try:
            _decode(data, at)
        except (_Incomplete, _Refused):
            at = data.find(SYNC, at + 1)
        else:
            return at
    return None


def _decode(data: bytes, at: int) -> tuple[RawPacket, int]:
    if data[at : at + 2] != SYNC[: len(data) - at]:
        raise _Refused("resynchronised", 0)
    if len(data) - at < HEAD_BYTES + TAIL_BYTES:
        raise _Incomplete
    count = data[at + 2]
    tail = at + HEAD_BYTES + count
    if tail + TAIL_BYTES > len(data):
        raise _Incomplete
    metrics = data[tail + 12] * METRIC_BYTES
    length = HEAD_BYTES + count + TAIL_BYTES + metrics
    if at + length > len(data):
        raise _Incomplete
    if sum(data[at : at + length - 1]) & 0xFF != data[at + length - 1]:
        raise _Refused("checksum_bad", length)
    packet = _fields(data, at, tail, metrics)
    if not _in_range(packet):
        raise _Refused("range_bad", length)
    return packet, length


def _fields(data: bytes, at: int, tail: int, metrics: int) -> RawPacket:
    error = int.from_bytes(data[at + 6 : at + 9], "little") & 0xFFFFF
    flags, rate = data[tail], data[at + 4]
    return RawPacket(
        payload=bytes(data[at + HEAD_BYTES : tail]),
        channel=data[at + 3],
        modem=data[at + 5],
        crc_present=bool(rate & 1),
        coding_rate=rate >> 1 & 7,
        sf=rate >> 4,
        frequency_error=error - (1 << 20) if error >> 19 else error,
        crc_error=bool(flags & 1),
        sync_error=bool(flags & 4),
        header_error=bool(flags & 8),
        timing_set=bool(flags & 16),
        snr_quarters=_signed(data[tail + 1]),
        rssi_channel=data[tail + 2],
        rssi_signal=data[tail + 3],
        ticks=int.from_bytes(data[tail + 6 : tail + 10], "little"),
        crc16=int.from_bytes(data[tail + 10 : tail + 12], "little"),
        metrics=tuple(_signed(byte) for byte in data[tail + 13 : tail + 13 + metrics]),
    )


def _in_range(packet: RawPacket) -> bool:
    if packet.modem > FSK_MODEM or packet.channel >= CHANNELS:
        return False
    return packet.is_fsk or 5 <= packet.sf <= 12


def _signed(byte: int) -> int:
    return byte - 256 if byte >> 7 else byte


def encode(packet: RawPacket) -> bytes:
    """Return the FIFO bytes of one packet; ``parse`` gives the packet back."""
    flags = packet.crc_error | packet.sync_error << 2 | packet.header_error << 3 | packet.timing_set << 4
    body = (
        SYNC
        + bytes(
            (
                len(packet.payload),
                packet.channel,
                packet.crc_present | packet.coding_rate << 1 | packet.sf << 4,
                packet.modem,
            )
        )
        + (packet.frequency_error & 0xFFFFF).to_bytes(3, "little")
        + packet.payload
        + bytes((flags, packet.snr_quarters & 0xFF, packet.rssi_channel, packet.rssi_signal, 0, 0))
        + packet.ticks.to_bytes(4, "little")
        + packet.crc16.to_bytes(2, "little")
        + bytes((len(packet.metrics) // METRIC_BYTES, *(metric & 0xFF for metric in packet.metrics)))
    )
    return body + bytes((sum(body) & 0xFF,))


def lora_crc16(payload: bytes) -> int:
    """Return the CRC of a LoRa payload as the FIFO shows it (FACTS §8, status).

    >>> f"{lora_crc16(bytes.fromhex('030a11181f262d343b424950')):04X}"
    '7544'
    """
    if len(payload) < 2:
        return payload[0] if payload else 0
    return binascii.crc_hqx(payload[:-2], 0) ^ int.from_bytes(payload[-2:], "big")


class Fetch:
    """The FIFO's host side."""

    def __init__(self, registers: Registers, counts: Counter[str]) -> None:
        self._registers = registers
        self._counts = counts

    def fetch(self) -> bytes:
        """Return what waits in the FIFO.

        Raises:
            LineFailed: the bus reads ones only.
            ChipMisbehaved: the count makes no sense in any reading.
        """
        count = self._count()
        if count == 0:
            return b""
        for _ in range(READINGS_LIMIT):
            again = self._count()
            if again >= count and again <= FIFO_BYTES:
                return self._registers.read_memory(FIFO_AT, again, fifo=True)
            self._counts["torn_counts"] += 1
            count = min(count, again) if again else 0
            if count == 0:
                return b""
        raise ChipMisbehaved(f"FIFO count keeps changing or exceeds {FIFO_BYTES}", where="0x58c8")

    def _count(self) -> int:
        data = spi_frames.read_answer(self._registers.transfer(COUNT_FRAME))
        if data == DEAD_LINE:
            dead = Fault(FaultKind.DEAD_BUS, 0xFFFF)
            raise LineFailed(str(dead), where="0x58c8", fault=dead)
        return int.from_bytes(data, "big") & COUNT_MASK
