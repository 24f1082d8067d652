"""The server's side of Semtech UDP v2: datagrams to values, values to datagrams; no socket.

Sources: Lora-net/sx1302_hal ``packet_forwarder/PROTOCOL.md`` v1.6.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, TypeAlias

VERSION = 2
PUSH_DATA, PUSH_ACK, PULL_DATA, PULL_RESP, PULL_ACK, TX_ACK = range(6)
DATAGRAM_LIMIT_BYTES = 65_507


class DatagramError(ValueError):
    """A datagram that is not Semtech UDP v2; names the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """One frame as one gateway heard it."""

    gateway: str
    phy: bytes
    tmst: int
    frequency_mhz: float
    datarate: str
    coding_rate: str
    rssi_dbm: float
    snr_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PushData:
    """Frames and statistics from a gateway; ``refused`` counts rxpk that could not be read."""

    gateway: str
    receptions: tuple[Reception, ...]
    refused: int
    stat: dict[str, Any] | None
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PullData:
    """A gateway opens its way back."""

    gateway: str
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class TxAck:
    """What a gateway says to one downlink; ``error`` is empty when it took it."""

    gateway: str
    token: bytes
    error: str


Message: TypeAlias = PushData | PullData | TxAck


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """One frame for a gateway to send at ``tmst`` (µs, 32 bits)."""

    phy: bytes
    tmst: int
    frequency_mhz: float
    datarate: str
    power_dbm: int

    def datagram(self, token: bytes) -> bytes:
        """Return the PULL_RESP."""
        txpk = {
            "imme": False,
            "tmst": self.tmst,
            "freq": self.frequency_mhz,
            "rfch": 0,
            "powe": self.power_dbm,
            "modu": "LORA",
            "datr": self.datarate,
            "codr": "4/5",
            "ipol": True,
            "size": len(self.phy),
            "ncrc": True,
            "data": base64.b64encode(self.phy).decode(),
        }
        return bytes((VERSION,)) + token + bytes((PULL_RESP,)) + json.dumps({"txpk": txpk}).encode()


def parse(datagram: bytes) -> Message:
    """Return what a gateway said.

    Raises:
        DatagramError: too short, another version, an unknown kind, or JSON that is none.
    """
    if len(datagram) < 12:
        raise DatagramError(f"length: {len(datagram)} bytes, at least 12")
    if datagram[0] != VERSION:
        raise DatagramError(f"version: {datagram[0]}, only {VERSION} is known")
    token, kind, gateway = datagram[1:3], datagram[3], datagram[4:12].hex()
    match kind:
        case 0:
            return _push_data(gateway, token, datagram[12:])
        case 2:
            return PullData(gateway=gateway, answer=bytes((VERSION,)) + token + bytes((PULL_ACK,)))
        case 5:
            return TxAck(gateway=gateway, token=token, error=_tx_error(datagram[12:]))
        case _:
            raise DatagramError(f"kind: {kind} is not PUSH_DATA, PULL_DATA or TX_ACK")


def _push_data(gateway: str, token: bytes, body: bytes) -> PushData:
    document = _json(body)
    packets = document.get("rxpk", [])
    if not isinstance(packets, list):
        raise DatagramError("rxpk: a list is needed")
    receptions = [_reception(gateway, packet) for packet in packets]
    heard = tuple(reception for reception in receptions if reception is not None)
    stat = document.get("stat")
    return PushData(
        gateway=gateway,
        receptions=heard,
        refused=len(receptions) - len(heard),
        stat=stat if isinstance(stat, dict) else None,
        answer=bytes((VERSION,)) + token + bytes((PUSH_ACK,)),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DatagramError(f"json: {error}") from error
    if not isinstance(document, dict):
        raise DatagramError("json: an object is needed")
    return document


def _reception(gateway: str, packet: object) -> Reception | None:
    if not isinstance(packet, dict) or packet.get("modu") != "LORA" or packet.get("stat", 1) == -1:
        return None
    try:
        return Reception(
            gateway=gateway,
            phy=base64.b64decode(packet["data"], validate=True),
            tmst=int(packet["tmst"]),
            frequency_mhz=float(packet["freq"]),
            datarate=str(packet["datr"]),
            coding_rate=str(packet["codr"]),
            rssi_dbm=float(packet["rssi"]),
            snr_db=float(packet["lsnr"]),
        )
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def _tx_error(body: bytes) -> str:
    if not body.strip(b"\0 \r\n"):
        return ""
    acknowledgement = _json(body).get("txpk_ack")
    error = acknowledgement.get("error") if isinstance(acknowledgement, dict) else None
    return "" if error in (None, "NONE") else str(error)
