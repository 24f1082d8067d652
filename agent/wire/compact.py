"""Heartbeats in few bytes: 2,880 a day must fit into 0.15 MB of payload (DESIGN §11), 52 bytes each.

A MessagePack array of 11 to 14 elements, so its first byte is 0x9b..0x9e; the plain form of ``Heartbeat``
has 25 elements and begins with 0xdc, and both are read for ever.  Against the plain form:

    uptime    as its difference from (seq - 1) x interval, which is the lateness of the timer
    flags     time quality (2 bits), radio (2 bits), spool accepting (1 bit), then one bit ``up`` a connector
    answers   age in tenths of a second, rounded up: never fresher than it was
    delivered as what is left of ``received``
    tail      interval, vitals and balance are left out when the interval is 30 s, the vitals are not told
              and the balance is not off
"""

import msgspec

from agent.wire.beat import HEARTBEAT_INTERVAL_S, ConnectorBeat, Heartbeat, Radio, TimeQuality

_ACCEPTING = 1 << 4
_FIRST_UP = 5
AGE_STEP_MS = 100
_NEVER = -1
_Vitals = tuple[int | None, int | None, int | None, int | None, int | None, int | None, int | None]


class _Beat(msgspec.Struct, frozen=True, array_like=True):
    boot: int
    seq: int
    lateness_ms: int
    journal_seq: int
    at_us: int
    flags: int
    connectors: tuple[tuple[str, int, int], ...]
    spool_records: int
    received: int
    undelivered: int
    dropped_and_version: tuple[int, int]
    interval_s: int = HEARTBEAT_INTERVAL_S
    vitals: _Vitals | None = None
    unbalanced_frames: int = 0


_COMPACT = msgspec.msgpack.Decoder(_Beat)
_PLAIN = msgspec.msgpack.Decoder(Heartbeat)
_PLAIN_FIRST_BYTE = 0xDC
"""array 16: the plain form has more than 15 elements."""


def encode_beat(beat: Heartbeat) -> bytes:
    """Return the compact bytes of a heartbeat."""
    vitals = _vitals(beat)
    tail: tuple[object, ...] = ()
    if beat.unbalanced_frames:
        tail = (beat.interval_s, vitals, beat.unbalanced_frames)
    elif any(value is not None for value in vitals):
        tail = (beat.interval_s, vitals)
    elif beat.interval_s != HEARTBEAT_INTERVAL_S:
        tail = (beat.interval_s,)
    connectors = tuple((one.name, _tenths(one.answer_age_ms), one.queued) for one in beat.connectors)
    head = (
        beat.boot,
        beat.seq,
        beat.uptime_ms - (beat.seq - 1) * beat.interval_s * 1000,
        beat.journal_seq,
        beat.at_us,
        _flags(beat),
        connectors,
        beat.spool_records,
        beat.received,
        beat.received - beat.delivered,
        (beat.dropped, beat.config_version),
    )
    return msgspec.msgpack.encode(head + tail)


def decode_beat(payload: bytes) -> Heartbeat:
    """Return the heartbeat in ``payload``, compact or plain.

    Raises:
        msgspec.DecodeError: not MessagePack, or a field that does not fit.
    """
    if is_plain_beat(payload):
        return _PLAIN.decode(payload)
    beat = _COMPACT.decode(payload)
    quality, radio = beat.flags & 3, beat.flags >> 2 & 3
    if radio not in tuple(Radio):
        raise msgspec.ValidationError(f"Invalid radio {radio} - at `$[5]`")
    vitals = beat.vitals or (None,) * 7
    dropped, version = beat.dropped_and_version
    return Heartbeat(
        boot=beat.boot,
        seq=beat.seq,
        uptime_ms=beat.lateness_ms + (beat.seq - 1) * beat.interval_s * 1000,
        journal_seq=beat.journal_seq,
        at_us=beat.at_us,
        time_quality=TimeQuality(quality),
        radio=Radio(radio),
        connectors=tuple(
            ConnectorBeat(
                name,
                bool(beat.flags >> _FIRST_UP + index & 1),
                tenths if tenths < 0 else tenths * AGE_STEP_MS,
                queued,
            )
            for index, (name, tenths, queued) in enumerate(beat.connectors)
        ),
        spool_records=beat.spool_records,
        spool_accepting=bool(beat.flags & _ACCEPTING),
        received=beat.received,
        delivered=beat.received - beat.undelivered,
        dropped=dropped,
        config_version=version,
        temperature_c=vitals[0],
        cpu_percent=vitals[1],
        memory_percent=vitals[2],
        disk_percent=vitals[3],
        backhaul_rtt_ms=vitals[4],
        crc_failed=vitals[5],
        transmitted=vitals[6],
        interval_s=beat.interval_s,
        unbalanced_frames=beat.unbalanced_frames,
    )


def is_plain_beat(payload: bytes) -> bool:
    """Return whether ``payload`` is a heartbeat in its plain form."""
    return payload[:1] == bytes([_PLAIN_FIRST_BYTE])


def known_of_compact() -> int:
    """Return how many elements of the compact form are known."""
    return len(_Beat.__struct_fields__)


def _flags(beat: Heartbeat) -> int:
    up = sum(1 << index for index, one in enumerate(beat.connectors) if one.up)
    accepting = _ACCEPTING if beat.spool_accepting else 0
    return int(beat.time_quality) | int(beat.radio) << 2 | accepting | up << _FIRST_UP


def _tenths(age_ms: int) -> int:
    return _NEVER if age_ms < 0 else -(-age_ms // AGE_STEP_MS)


def _vitals(beat: Heartbeat) -> _Vitals:
    return (
        beat.temperature_c,
        beat.cpu_percent,
        beat.memory_percent,
        beat.disk_percent,
        beat.backhaul_rtt_ms,
        beat.crc_failed,
        beat.transmitted,
    )
