"""Which message of the server it is, pure; anything else is named and counted."""

from enum import StrEnum

import msgspec


class MsgType(StrEnum):
    """What a server may say."""

    ROUTER_CONFIG = "router_config"
    DNMSG = "dnmsg"
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


class TimeAnswer(msgspec.Struct, frozen=True):
    """The server's GPS time: an answer to ``txtime``, or by itself at ``xtime``."""

    gpstime: int = 0
    txtime: int = 0
    xtime: int = 0


def message_type(message: bytes) -> MsgType:
    """Return what kind of message it is.

    Raises:
        MessageError: no JSON object, no msgtype, or an unknown one.
    """
    try:
        return MsgType(msgspec.json.decode(message, type=_Any).msgtype)
    except (ValueError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise MessageError(str(error)) from error


def parse_timesync(message: bytes) -> TimeAnswer:
    """Return the server's time.

    Raises:
        MessageError: a field that is no integer.
    """
    try:
        return msgspec.json.decode(message, type=TimeAnswer)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise MessageError(f"timesync: {error}") from error
