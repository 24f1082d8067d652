"""PHYPayload of LoRaWAN 1.0.x and 1.1 to values and back; no key is needed and none is known.

Sources: LoRaWAN 1.0.4 §4 and §6, LoRaWAN 1.1 §6.2.4 for rejoin-requests (types 0 and 2 have 19 bytes,
type 1 has 24).  Multi-byte fields are little-endian on air; EUIs are shown as 16 lower-case hex digits,
most significant first.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias, TypeVar

MIC_BYTES = 4
JOIN_REQUEST_BYTES = 23
JOIN_ACCEPT_BYTES = (17, 33)
DATA_MIN_BYTES = 12
REJOIN_BYTES = {0: 19, 1: 24, 2: 19}
FOPTS_LIMIT_BYTES = 15
LORAWAN_R1 = 0


class PhyError(ValueError):
    """Bytes that are no LoRaWAN frame; the text names the field and the rule."""


class MType(IntEnum):
    """The three upper bits of the MHDR."""

    JOIN_REQUEST = 0
    JOIN_ACCEPT = 1
    UNCONFIRMED_UP = 2
    UNCONFIRMED_DOWN = 3
    CONFIRMED_UP = 4
    CONFIRMED_DOWN = 5
    REJOIN_REQUEST = 6
    PROPRIETARY = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class _Data:
    dev_addr: int
    fcnt: int
    """The 16 bits that go over the air."""
    confirmed: bool = False
    fctrl: int = 0
    """Upper four bits only (ADR, ADRACKReq or RFU, ACK, class B or FPending); the length comes from FOpts."""
    fopts: bytes = b""
    fport: int | None = None
    frm_payload: bytes = b""
    mic: bytes = bytes(MIC_BYTES)

    def __post_init__(self) -> None:
        if not 0 <= self.dev_addr < 1 << 32:
            raise PhyError(f"dev_addr: {self.dev_addr} does not fit 32 bits")
        if not 0 <= self.fcnt < 1 << 16:
            raise PhyError(f"fcnt: {self.fcnt} does not fit 16 bits")
        if self.fctrl & ~0xF0:
            raise PhyError(f"fctrl: {self.fctrl:#04x} has bits of the FOpts length set")
        if len(self.fopts) > FOPTS_LIMIT_BYTES:
            raise PhyError(f"fopts: {len(self.fopts)} bytes, at most {FOPTS_LIMIT_BYTES}")
        if self.fport is None and self.frm_payload:
            raise PhyError("fport: needed with an FRMPayload")
        if self.fport is not None and not 0 <= self.fport <= 255:
            raise PhyError(f"fport: {self.fport} is not in 0..255")
        if len(self.mic) != MIC_BYTES:
            raise PhyError(f"mic: {len(self.mic)} bytes, not {MIC_BYTES}")

    @property
    def address(self) -> str:
        """The DevAddr as 8 hex digits."""
        return f"{self.dev_addr:08x}"

    @property
    def adr(self) -> bool:
        return bool(self.fctrl & 0x80)

    @property
    def ack(self) -> bool:
        return bool(self.fctrl & 0x20)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataUp(_Data):
    """A confirmed or unconfirmed uplink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDown(_Data):
    """A confirmed or unconfirmed downlink."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A device asks to join."""

    join_eui: str
    dev_eui: str
    dev_nonce: int
    mic: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RejoinRequest:
    """A device of LoRaWAN 1.1 asks to rejoin; ``net_id`` for types 0 and 2, ``join_eui`` for type 1."""

    rejoin_type: int
    dev_eui: str
    rj_count: int
    mic: bytes
    net_id: int | None = None
    join_eui: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinAccept:
    """The answer to a join-request; all of it, MIC included, is encrypted."""

    encrypted: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Proprietary:
    """Anything a maker pleases; the rest after the MHDR."""

    body: bytes


_Direction = TypeVar("_Direction", DataUp, DataDown)
Phy: TypeAlias = DataUp | DataDown | JoinRequest | RejoinRequest | JoinAccept | Proprietary


def parse_phy(frame: bytes) -> Phy:
    """Return the frame that ``frame`` holds.

    >>> parse_phy(bytes.fromhex("40f17dbe4900020001954378762b11ff0d")).address
    '49be7df1'

    Raises:
        PhyError: empty, not LoRaWAN R1, or the wrong length for its type.
    """
    if not frame:
        raise PhyError("mhdr: the frame is empty")
    mtype, major = MType(frame[0] >> 5), frame[0] & 0x03
    if mtype is MType.PROPRIETARY:
        return Proprietary(body=frame[1:])
    if major != LORAWAN_R1:
        raise PhyError(f"mhdr: major version {major}, only {LORAWAN_R1} (LoRaWAN R1) is known")
    match mtype:
        case MType.JOIN_REQUEST:
            return _parse_join_request(frame)
        case MType.JOIN_ACCEPT:
            return _parse_join_accept(frame)
        case MType.REJOIN_REQUEST:
            return _parse_rejoin_request(frame)
        case MType.UNCONFIRMED_UP | MType.CONFIRMED_UP:
            return _parse_data(frame, DataUp, confirmed=mtype is MType.CONFIRMED_UP)
        case MType.UNCONFIRMED_DOWN | MType.CONFIRMED_DOWN:
            return _parse_data(frame, DataDown, confirmed=mtype is MType.CONFIRMED_DOWN)


def data_address(frame: bytes) -> int | None:
    """Return the DevAddr of what ``parse_phy`` takes for a data frame, up or down; None for all else.

    >>> data_address(bytes.fromhex("40f17dbe4900020001954378762b11ff0d")) == 0x49BE7DF1
    True
    """
    if len(frame) < DATA_MIN_BYTES or frame[0] & 0x03 != LORAWAN_R1 or not 2 <= frame[0] >> 5 <= 5:
        return None
    complete = 8 + (frame[5] & 0x0F) + MIC_BYTES <= len(frame)
    return int.from_bytes(frame[1:5], "little") if complete else None


def encode_data(frame: DataUp | DataDown) -> bytes:
    """Return the bytes of a data frame, MIC as given; the inverse of ``parse_phy``."""
    return encode_without_mic(frame) + frame.mic


def encode_without_mic(frame: DataUp | DataDown) -> bytes:
    """Return the bytes that the MIC of a data frame is computed over (B0 not included)."""
    match frame:
        case DataUp():
            mtype = MType.CONFIRMED_UP if frame.confirmed else MType.UNCONFIRMED_UP
        case DataDown():
            mtype = MType.CONFIRMED_DOWN if frame.confirmed else MType.UNCONFIRMED_DOWN
    head = bytes((mtype << 5 | LORAWAN_R1,)) + frame.dev_addr.to_bytes(4, "little")
    head += bytes((frame.fctrl | len(frame.fopts),)) + frame.fcnt.to_bytes(2, "little") + frame.fopts
    port = b"" if frame.fport is None else bytes((frame.fport,))
    return head + port + frame.frm_payload


def encode_join_request(frame: JoinRequest) -> bytes:
    """Return the 23 bytes of a join-request."""
    return (
        bytes((MType.JOIN_REQUEST << 5,))
        + bytes.fromhex(frame.join_eui)[::-1]
        + bytes.fromhex(frame.dev_eui)[::-1]
        + frame.dev_nonce.to_bytes(2, "little")
        + frame.mic
    )


def _parse_join_request(frame: bytes) -> JoinRequest:
    _require(len(frame) == JOIN_REQUEST_BYTES, "join-request", frame, f"{JOIN_REQUEST_BYTES}")
    return JoinRequest(
        join_eui=_eui(frame[1:9]),
        dev_eui=_eui(frame[9:17]),
        dev_nonce=int.from_bytes(frame[17:19], "little"),
        mic=frame[19:],
    )


def _parse_join_accept(frame: bytes) -> JoinAccept:
    _require(len(frame) in JOIN_ACCEPT_BYTES, "join-accept", frame, "17 or 33")
    return JoinAccept(encrypted=frame[1:])


def _parse_rejoin_request(frame: bytes) -> RejoinRequest:
    _require(len(frame) >= 2, "rejoin-request", frame, "19 or 24")
    kind = frame[1]
    if kind not in REJOIN_BYTES:
        raise PhyError(f"rejoin_type: {kind} is not 0, 1 or 2")
    _require(len(frame) == REJOIN_BYTES[kind], f"rejoin-request type {kind}", frame, f"{REJOIN_BYTES[kind]}")
    head = 10 if kind == 1 else 5
    return RejoinRequest(
        rejoin_type=kind,
        dev_eui=_eui(frame[head : head + 8]),
        rj_count=int.from_bytes(frame[head + 8 : head + 10], "little"),
        mic=frame[head + 10 :],
        net_id=None if kind == 1 else int.from_bytes(frame[2:5], "little"),
        join_eui=_eui(frame[2:10]) if kind == 1 else None,
    )


def _parse_data(frame: bytes, kind: type[_Direction], *, confirmed: bool) -> _Direction:
    _require(len(frame) >= DATA_MIN_BYTES, "data frame", frame, f"at least {DATA_MIN_BYTES}")
    fopts_bytes = frame[5] & 0x0F
    start = 8 + fopts_bytes
    end = len(frame) - MIC_BYTES
    if start > end:
        raise PhyError(f"fopts: {fopts_bytes} bytes announced, {end - 8} are there")
    return kind(
        dev_addr=int.from_bytes(frame[1:5], "little"),
        fctrl=frame[5] & 0xF0,
        fcnt=int.from_bytes(frame[6:8], "little"),
        confirmed=confirmed,
        fopts=frame[8:start],
        fport=frame[start] if start < end else None,
        frm_payload=frame[start + 1 : end],
        mic=frame[end:],
    )


def _eui(little_endian: bytes) -> str:
    return little_endian[::-1].hex()


def _require(holds: bool, what: str, frame: bytes, expected: str) -> None:
    if not holds:
        raise PhyError(f"length: a {what} has {expected} bytes, not {len(frame)}")
