"""What a gateway says: presence, heartbeat, journal, events; and what it hears of its journal.

MessagePack arrays, fields only appended.

``(eui, boot, seq)`` identifies a heartbeat for ever, ``(eui, boot, journal_seq)`` a journal record; the
EUI is in the topic.  Instants end in ``_at_us``: integer microseconds UTC as the gateway believed them,
with ``time_quality`` saying how far to trust that.  ``uptime_ms`` is monotonic since the agent's boot.
"""

from enum import IntEnum
from typing import TypeAlias

import msgspec

from agent.wire.beat import HEARTBEAT_INTERVAL_S, ConnectorBeat, Heartbeat, Radio, TimeQuality
from agent.wire.compact import decode_beat, encode_beat
from agent.wire.reasons.reason import Reason

__all__ = [
    "END_TO_END",
    "HEARTBEAT_INTERVAL_S",
    "Change",
    "ConfigReported",
    "ConfigState",
    "ConnectorBeat",
    "Delivered",
    "Event",
    "Gone",
    "Heard",
    "Heartbeat",
    "JournalAcked",
    "JournalBatch",
    "JournalRecord",
    "Noted",
    "Presence",
    "PreviousBoot",
    "Radio",
    "Reply",
    "SeqSpan",
    "TimeQuality",
    "WireError",
    "decode",
    "encode",
]


class _Array(msgspec.Struct, frozen=True, array_like=True):
    pass


class Presence(_Array, frozen=True):
    """Retained; the last will carries the same with ``online`` False.  A hint for operators only."""

    online: bool
    boot: int
    at_us: int = 0


class Change(IntEnum):
    """What a journal record tells of; the closed set."""

    BOOT = 1
    RADIO = 2
    CONNECTOR = 3
    CONFIGURATION = 4
    POWER = 5
    SPOOL = 6
    RECOVERY = 7
    CLOCK = 8
    STOP = 9


END_TO_END = "end_to_end"
"""Subject of a CONNECTOR record about the test device of the contractual connector: PROCESSED or UNANSWERED.

No connector can have this name (``configuration.Name`` knows no underscore): who counts keep-alives reads on.
"""


class JournalRecord(_Array, frozen=True):
    """One change of state, kept on disk until the fleet has it.

    ``subject`` names which one (connector name, recovery stage, …), ``value`` the new state in a word
    (``RECEIVING``, ``DEAF``, ``OFF``, ``UP``, ``DOWN``, …).  ``since_ms`` is the uptime at which the
    state really began when that lies before the record, such as the last answer of a lost LNS.
    For BOOT, ``previous`` is the last proof of life of the boot before.  ``why`` is the reason as code and
    values; ``reason`` is the English sentence of agents that know no codes; the others leave it empty.
    """

    boot: int
    journal_seq: int
    uptime_ms: int
    at_us: int
    time_quality: TimeQuality
    change: Change
    subject: str
    value: str
    reason: str
    since_ms: int | None = None
    previous: "PreviousBoot | None" = None
    why: Reason | None = None


class PreviousBoot(_Array, frozen=True):
    """The last time alive of the boot before, as found on disk at start."""

    boot: int
    uptime_ms: int
    at_us: int
    time_quality: TimeQuality
    clean: bool
    """True when that boot ended by an orderly stop."""
    journal_seq: int = 0
    """Number of its newest record at that instant; 0: not told, and then what lay between is not proved."""


class Gone(_Array, frozen=True):
    """Records of a boot, both ends included, that the fleet named missing and the gateway has no more."""

    boot: int
    first_seq: int
    last_seq: int


class JournalBatch(_Array, frozen=True):
    """Records in order of ``journal_seq``, at most 200 a message; ``gone`` answers what was named missing."""

    records: tuple[JournalRecord, ...]
    gone: tuple[Gone, ...] = ()


class SeqSpan(_Array, frozen=True):
    """Numbers of journal records, both ends included."""

    first_seq: int
    last_seq: int


class JournalAcked(_Array, frozen=True):
    """What the fleet has committed of one boot's journal; a gateway keeps its records until it reads this.

    Every record up to ``through_seq`` is stored, or given up as ``Gone``.  The gateway sends again what it
    has of ``missing``, and answers ``Gone`` for the rest.
    """

    boot: int
    through_seq: int
    missing: tuple[SeqSpan, ...] = ()


class Delivered(_Array, frozen=True, tag="delivered"):
    """Frames received in [from, until) were acknowledged by an LNS by ``acked_at_us``."""

    boot: int
    seq: int
    connector: str
    received_from_us: int
    received_until_us: int
    acked_at_us: int
    frames: int
    dropped: dict[str, int] = {}
    """Frames of that span that were dropped instead, by reason."""


class Noted(_Array, frozen=True, tag="noted"):
    """An event with a name of a closed list and short fields, for the operator's eyes."""

    boot: int
    seq: int
    at_us: int
    name: str
    fields: dict[str, str | int | float] = {}
    reasons: dict[str, Reason] = {}
    """The fields that are reasons, by their name."""


class Heard(_Array, frozen=True, tag="heard"):
    """Sketch of one address and day (AVAILABILITY §9); nothing of the payload."""

    day: str
    address: str
    """DevAddr as 8 hex digits, or DevEUI of a join as 16."""
    hours: int
    """Bit h set: heard in hour h, UTC."""
    frames: int
    best_rssi_dbm: int
    best_snr_db: float
    lowest_sf: int


Event: TypeAlias = Delivered | Noted | Heard


class ConfigState(IntEnum):
    """Where a gateway is with a configuration."""

    CONFIRMED = 1
    TRIAL = 2
    REFUSED = 3
    ROLLED_BACK = 4
    WAITING = 5
    """Believed, and waiting for the fleet's permit because it touches the service."""
    FETCHING = 6
    """Believed, and waiting for the release of the agent that it wants to be brought."""


class ConfigReported(_Array, frozen=True):
    """Retained; what runs, and what became of the newest document seen."""

    version: int
    """Hash of the configuration that runs."""
    sha256: str
    state: ConfigState
    seen_version: int
    reason: str
    """The English sentence of agents that know no codes; the others leave it empty."""
    at_us: int = 0
    why: Reason | None = None
    """None when all is well."""


class Reply(_Array, frozen=True):
    """The answer to one command."""

    command_id: str
    ok: bool
    text: str
    """The English sentence of agents that know no codes; the others leave it empty."""
    at_us: int = 0
    why: Reason | None = None
    """What was done, or why not."""


class WireError(ValueError):
    """A message that is not what its topic promises; names the topic's leaf and the field."""


def encode(message: msgspec.Struct) -> bytes:
    """Return the MessagePack bytes of one message; heartbeats in their compact form (``compact.py``)."""
    if isinstance(message, Heartbeat):
        return encode_beat(message)
    return msgspec.msgpack.encode(message)


_DECODERS: dict[str, msgspec.msgpack.Decoder[msgspec.Struct]] = {
    "presence": msgspec.msgpack.Decoder(Presence),
    "journal": msgspec.msgpack.Decoder(JournalBatch),
    "journal/ack": msgspec.msgpack.Decoder(JournalAcked),
    "event": msgspec.msgpack.Decoder(Event),
    "config/reported": msgspec.msgpack.Decoder(ConfigReported),
    "reply": msgspec.msgpack.Decoder(Reply),
}

MESSAGE_LIMIT_BYTES = 64 * 1024


def decode(leaf: str, payload: bytes) -> msgspec.Struct:
    """Return the message that ``payload`` holds, by the leaf of its topic.

    Raises:
        WireError: unknown leaf, too large, not MessagePack, or a field that does not fit.
    """
    if len(payload) > MESSAGE_LIMIT_BYTES:
        raise WireError(f"{leaf}: {len(payload)} bytes, at most {MESSAGE_LIMIT_BYTES}")
    if leaf == "health":
        return _decode_beat(payload)
    decoder = _DECODERS.get("reply" if leaf.startswith("reply/") else leaf)
    if decoder is None:
        raise WireError(f"{leaf}: no message goes by this topic")
    try:
        return decoder.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise WireError(f"{leaf}: {error}") from error


def _decode_beat(payload: bytes) -> Heartbeat:
    try:
        return decode_beat(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WireError(f"health: {error}") from error
