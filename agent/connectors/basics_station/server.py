"""Messages of the LNS, pure: their kinds, discovery, router_config with its channels, and the server's time.

Source: doc.sm.tc/station, "The LNS Protocol"; the objects of router_config are those of Semtech's
``global_conf.json``, one a board.  The radio belongs to the signed configuration: of
router_config we take the data rates, without which a frame cannot be named, and report the rest.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from agent.connectors.radio_plan import RadioPlan, plan_of
from hal.errors import OurMistake
from hal.global_conf import settings_of
from hal.semtech_files import ROOT

BOARD_KEYS = ("SX1302_conf", "sx1302_conf", "SX1301_conf", "sx1301_conf", "radio_conf")


MESSAGE_LIMIT_BYTES = 64 * 1024
DATA_RATES = 16
PROTOCOL_VERSION = 2
EIRP_LIMITS_DBM = (-40, 100)
"""max_eirp lies in this range; 100 is what the reference takes for "no limit"."""
REF_TIME_LIMIT_S = 1e12


class RouterError(ValueError):
    """An answer that cannot be used; the text names the field and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouterConfig:
    """What we keep of router_config."""

    region: str
    rates: tuple[tuple[int, int, bool], ...]
    """By DR: (sf or 0 for FSK, bandwidth in kHz, downlink only); (-1, 0, False) where there is none."""
    eirp_limit_dbm: float | None = None
    """No downlink of this server leaves louder; None: as loud as the plan admits, which always limits."""

    def rate_of(self, sf: int, bandwidth_hz: int) -> int | None:
        """Return the DR of an uplink."""
        wanted = (sf, 0 if sf == 0 else bandwidth_hz // 1000)
        for number, (rate_sf, rate_khz, downlink_only) in enumerate(self.rates):
            if not downlink_only and (rate_sf, 0 if rate_sf == 0 else rate_khz) == wanted:
                return number
        return None


class _Discovered(msgspec.Struct, frozen=True):
    uri: str = ""
    error: str = ""


class _Router(msgspec.Struct, frozen=True):
    DRs: list[tuple[int, int, int]]
    region: str = ""
    max_eirp: Annotated[float, Meta(ge=EIRP_LIMITS_DBM[0], le=EIRP_LIMITS_DBM[1])] | None = None


def id6(eui: str) -> str:
    """Return an EUI as the protocol writes it.

    >>> id6("0016c001f12a3b4c")
    '16:c001:f12a:3b4c'
    """
    return ":".join(f"{int(eui[at : at + 4], 16):x}" for at in range(0, 16, 4))


def discovery(eui: str) -> str:
    """Return the question that discovery asks."""
    return json.dumps({"router": id6(eui)})


def discovered(answer: str | bytes) -> str:
    """Return the URI that discovery answers with.

    Raises:
        RouterError: no JSON, an error of the server, or no ws:// or wss:// URI.
    """
    try:
        found = msgspec.json.decode(answer, type=_Discovered)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise RouterError(f"discovery: {error}") from error
    if found.error or not found.uri:
        raise RouterError(f"discovery: {found.error or 'no uri'}")
    try:
        parts = urlsplit(found.uri)
        good = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise RouterError(f"uri: {error}") from error
    if not good:
        raise RouterError(f"uri: {found.uri[:80]!r} is not ws://HOST or wss://HOST")
    return found.uri


def version() -> str:
    """Return the first message on the connection."""
    return json.dumps(
        {
            "msgtype": "version",
            "station": "passerelle",
            "firmware": "",
            "package": "",
            "model": "passerelle",
            "protocol": PROTOCOL_VERSION,
            "features": "",
        }
    )


def parse_router_config(message: bytes) -> RouterConfig:
    """Return what we keep of a router_config.

    Raises:
        RouterError: no data rates, or one that is none.
    """
    try:
        found = msgspec.json.decode(message, type=_Router)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise RouterError(f"router_config: {error}") from error
    if len(found.DRs) > DATA_RATES:
        raise RouterError(f"DRs: {len(found.DRs)}, at most {DATA_RATES}")
    for sf, khz, _ in found.DRs:
        if sf not in {-1, 0, *range(5, 13)} or (sf > 0 and khz not in {125, 250, 500}):
            raise RouterError(f"DRs: [{sf}, {khz}] is no data rate")
    rates = tuple((sf, khz, bool(downlink_only)) for sf, khz, downlink_only in found.DRs)
    return RouterConfig(region=found.region, rates=rates, eirp_limit_dbm=found.max_eirp)


class MsgType(StrEnum):
    """What a server may say."""

    ROUTER_CONFIG = "router_config"
    DNMSG = "dnmsg"
    DNFRAME = "dnframe"
    DNSCHED = "dnsched"
    TIMESYNC = "timesync"
    ERROR = "error"
    RUNCMD = "runcmd"
    RMTSH = "rmtsh"
    GETXTIME = "getxtime"


REFUSED = frozenset({MsgType.RUNCMD, MsgType.RMTSH})
"""No server runs commands or shells on a gateway; the fleet has its own, audited ones."""


class MessageError(ValueError):
    """A message that is none of the protocol's."""


class _Any(msgspec.Struct, frozen=True):
    msgtype: str
    MuxTime: object = None


class _Error(msgspec.Struct, frozen=True):
    error: str = ""


class TimeAnswer(msgspec.Struct, frozen=True):
    """The server's GPS time: an answer to ``txtime``, or by itself at ``xtime``."""

    gpstime: int = 0
    txtime: int = 0
    xtime: int = 0


def message_type(message: bytes) -> tuple[MsgType, float | None]:
    """Return what kind of message it is, and the server's own time in s where the message carries it.

    Raises:
        MessageError: no JSON object, no msgtype, or an unknown one.
    """
    try:
        found = msgspec.json.decode(message, type=_Any)
        return MsgType(found.msgtype), _seconds(found.MuxTime)
    except (ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(str(error)) from error


def _seconds(mux_time: object) -> float | None:
    if not isinstance(mux_time, int | float) or not 0 < mux_time < REF_TIME_LIMIT_S:
        return None
    return float(mux_time)


def parse_error(message: bytes) -> str:
    """Return what the server complains of; empty where it does not say.

    Raises:
        MessageError: a text that is none.
    """
    try:
        return msgspec.json.decode(message, type=_Error).error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise MessageError(f"error: {error}") from error


def parse_timesync(message: bytes) -> TimeAnswer:
    """Return the server's time.

    Raises:
        MessageError: a field that is no integer.
    """
    try:
        return msgspec.json.decode(message, type=TimeAnswer)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise MessageError(f"timesync: {error}") from error


def server_plan(message: bytes) -> RadioPlan | None:
    """Return the channels of the first board; None when the server leaves the radio to us.

    Raises:
        RouterError: a board that is none, or channels that no concentrator has.
    """
    try:
        found = msgspec.json.decode(message, type=dict[str, object])
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise RouterError(f"router_config: {error}") from error
    name = next((key for key in BOARD_KEYS if found.get(key)), None)
    if name is None:
        return None
    boards = found[name]
    board = boards[0] if isinstance(boards, list) else boards
    if not isinstance(board, dict):
        raise RouterError(f"{name}: no object for the board")
    try:
        named = {key: _any_radio(value) for key, value in board.items() if not _unnamed(key, value)}
        return plan_of(settings_of({ROOT: named}))
    except (OurMistake, TypeError, ValueError) as error:
        raise RouterError(f"{name}: {error}") from error


def _unnamed(key: str, value: object) -> bool:
    """Whether an FSK channel is switched on without its frequency, as ChirpStack Gateway Bridge always does.

    Source: chirpstack-gateway-bridge, ``structs/router_config.go``: ``SX1301ConfChanFSK`` has ``enable``.
    """
    return key == "chan_FSK" and isinstance(value, dict) and "if" not in value


def _any_radio(value: object) -> object:
    """Return a part of a board without its radio's type: a server need not know which one we have."""
    if not isinstance(value, dict):
        return value
    return {key: inner for key, inner in value.items() if key not in {"type", "tx_enable"}}
