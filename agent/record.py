"""One received frame as it is kept and delivered: a value, and its bytes on disk with a CRC.

The body is a MessagePack array whose fields are only ever appended, so that a newer agent reads the
spool of an older one.
"""

import zlib
from enum import IntEnum

import msgspec

from agent.lorawan.phy import JoinRequest, PhyError, RejoinRequest, data_address, parse_phy
from agent.timing.choice import OWN_TIME
from agent.wire.messages import TimeQuality
from hal.packets import Crc, Lora, ReceivedFrame

PLAUSIBLE_AGE_US = 366 * 86_400_000_000
"""A greater age between boots is a clock that was wrong by years (GNSS weeks roll over after 19.6)."""
NO_ADDRESS = -1
"""Stands for the DevAddr where a frame has none; all such frames are one queue."""


class FrameKind(IntEnum):
    """What the rules of delivery ask of a frame."""

    DATA = 0
    JOIN = 1
    """Join- and rejoin-requests: never delivered late."""
    OTHER = 2
    """Proprietary, join-accepts, and bytes that are no LoRaWAN."""


class RecordError(ValueError):
    """Bytes on disk that are not what was written."""


class Record(msgspec.Struct, frozen=True, array_like=True, kw_only=True, gc=False):
    """One frame with a good CRC.  ``monotonic_us`` means something in the same ``boot`` only."""

    id: int
    """Rises with reception, never used twice in one spool."""
    payload: bytes
    received_at_us: int
    """UTC as this gateway believed it."""
    time_quality: int
    boot: int
    monotonic_us: int
    session: int
    """Which start of the radio; counters of different sessions do not compare."""
    counter_us: int
    """End of the frame on the 64-bit timeline."""
    kind: int
    address: int
    frequency_hz: int
    sf: int
    """Spreading factor 5 to 12; 0 for FSK."""
    rate: int
    """Bandwidth in Hz for LoRa, bit/s for FSK."""
    coding_rate: int
    rssi_channel_dbm: float
    rssi_signal_dbm: float
    snr_db: float
    frequency_offset_hz: int
    rf_chain: int
    if_channel: int
    modem: int
    crc_checked: bool = True
    fine_ns: int | None = None
    gps_us: int | None = None
    """GPS time by the latch of the PPS, good to 1 us, whose UTC is ``received_at_us``; None without it."""

    @property
    def rssi_dbm(self) -> float:
        """The level of the frame itself: below the noise that is the signal's, not the whole channel's.

        FSK has no RSSI of its own signal.
        """
        return min(self.rssi_channel_dbm, self.rssi_signal_dbm) if self.sf else self.rssi_channel_dbm

    @property
    def tmst(self) -> int:
        """The counter as the protocols carry it."""
        return self.counter_us % (1 << 32)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Record)


def encode_record(record: Record) -> tuple[bytes, int]:
    """Return (body, CRC-32 of the body)."""
    body = _ENCODER.encode(record)
    return body, zlib.crc32(body)


def decode_record(body: bytes, crc: int) -> Record:
    """Return the record that was written.

    Raises:
        RecordError: the CRC differs, or a field is not what it was.
    """
    if zlib.crc32(body) != crc:
        raise RecordError(f"crc: {zlib.crc32(body):08x} computed, {crc:08x} stored")
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise RecordError(f"body: {error}") from error


def classify(payload: bytes) -> tuple[FrameKind, int]:
    """Return what a frame is and which address it belongs to.

    >>> classify(bytes.fromhex("40f17dbe4900020001954378762b11ff0d"))
    (<FrameKind.DATA: 0>, 1237220849)
    """
    address = data_address(payload)
    if address is not None:
        return FrameKind.DATA, address
    try:
        frame = parse_phy(payload)
    except PhyError:
        return FrameKind.OTHER, NO_ADDRESS
    joining = isinstance(frame, JoinRequest | RejoinRequest)
    return (FrameKind.JOIN if joining else FrameKind.OTHER), NO_ADDRESS


def record_of(
    frame: ReceivedFrame,
    *,
    record_id: int,
    received_at_us: int,
    time_quality: TimeQuality,
    boot: int,
    monotonic_us: int,
    session: int,
    gps_us: int | None = None,
) -> Record:
    """Return the record of a frame that was just received."""
    kind, address = classify(frame.payload)
    modulation = frame.modulation
    lora = modulation if isinstance(modulation, Lora) else None
    return Record(
        id=record_id,
        payload=frame.payload,
        received_at_us=received_at_us,
        time_quality=int(time_quality),
        boot=boot,
        monotonic_us=monotonic_us,
        session=session,
        counter_us=frame.counter_us,
        kind=int(kind),
        address=address,
        frequency_hz=frame.frequency_hz,
        sf=lora.sf if lora else 0,
        rate=modulation.bandwidth_hz if isinstance(modulation, Lora) else modulation.bitrate_bps,
        coding_rate=lora.coding_rate if lora else 0,
        rssi_channel_dbm=frame.rssi_channel_dbm,
        rssi_signal_dbm=frame.rssi_signal_dbm,
        snr_db=frame.snr_db,
        frequency_offset_hz=frame.frequency_offset_hz,
        rf_chain=frame.rf_chain,
        if_channel=frame.if_channel,
        modem=frame.modem,
        crc_checked=frame.crc is Crc.OK,
        fine_ns=frame.fine_ns,
        gps_us=gps_us,
    )


def age_us(record: Record, boot: int, now_us: int, utc_us: int, quality: TimeQuality) -> int | None:
    """Return how old a record is; None where nothing trusted says so, or where two clocks contradict."""
    if record.boot == boot:
        return now_us - record.monotonic_us
    if record.time_quality not in OWN_TIME or quality not in OWN_TIME:
        return None
    age = utc_us - record.received_at_us
    return age if 0 <= age <= PLAUSIBLE_AGE_US else None
