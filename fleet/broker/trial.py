"""Try to enter the broker with a certificate: its answer proves which certificates it lets in.

The exchange is the smallest there is: TLS, CONNECT, CONNACK, DISCONNECT.  Entering under a name ends the
session that had this name (MQTT 3.1.1 §3.1.4), which is how an open session of a revoked gateway is closed.

Sources: MQTT 3.1.1 §3.1 (CONNECT), §3.2 (CONNACK), §3.14 (DISCONNECT); RFC 8446 §6.2 for the alerts.  With
TLS 1.3 the broker judges our certificate after our side of the handshake is done, so that a refusal shows
when CONNACK is read.
"""

import socket
import ssl
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fleet.broker.address import Broker

TRIAL_WAIT_S = 3.0
"""For each of: connection, handshake, answer."""
_CONNACK = b"\x20\x02"
_DISCONNECT = b"\xe0\x00"
_CLEAN_SESSION = 0x02
_KEEPALIVE_S = 10


class Entry(StrEnum):
    """What the broker did."""

    ADMITTED = "admitted"
    REVOKED = "revoked"
    """TLS alert 44: the certificate is on the broker's list."""
    REFUSED = "refused"
    """For another reason, which is no proof."""
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One try, and the reason in the words of the system."""

    entry: Entry
    detail: str = ""


def try_entry(broker: Broker, name: str, *, authorities: Path, credential: Path, clean: bool) -> Trial:
    """Return what the broker answers to ``name``; ``credential`` holds key and certificate in one PEM file.

    ``clean`` drops the session that the broker keeps under this name, with what waits in it.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(authorities))
        context.load_cert_chain(str(credential))
    except (OSError, ssl.SSLError) as error:
        return Trial(entry=Entry.UNREACHABLE, detail=f"{credential}: {error}")
    try:
        raw = socket.create_connection((broker.host, broker.port), TRIAL_WAIT_S)
    except OSError as error:
        return Trial(entry=Entry.UNREACHABLE, detail=f"{broker.host}:{broker.port}: {error}")
    try:
        with raw, context.wrap_socket(raw, server_hostname=broker.host) as stream:
            stream.sendall(connect_packet(name, clean=clean))
            return _judge(stream)
    except ssl.SSLError as error:
        revoked = error.reason is not None and error.reason.endswith("CERTIFICATE_REVOKED")
        return Trial(entry=Entry.REVOKED if revoked else Entry.REFUSED, detail=error.reason or str(error))
    except OSError as error:
        return Trial(entry=Entry.REFUSED, detail=str(error))


def shown_serial(broker: Broker, *, authorities: Path, pair: tuple[Path, Path]) -> str | None:
    """Return the serial of the certificate that the broker shows, lower-case hexadecimal; None: no answer."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=str(authorities))
    try:
        context.load_cert_chain(*map(str, pair))
        with (
            socket.create_connection((broker.host, broker.port), TRIAL_WAIT_S) as raw,
            context.wrap_socket(raw, server_hostname=broker.host) as stream,
        ):
            shown = stream.getpeercert() or {}
    except OSError:
        return None
    return str(shown.get("serialNumber", "")).lower().lstrip("0") or None


def connect_packet(name: str, *, clean: bool) -> bytes:
    """Return a CONNECT of MQTT 3.1.1.

    >>> connect_packet("a", clean=True).hex()
    '100d00044d5154540402000a000161'
    """
    identifier = name.encode()
    body = b"\x00\x04MQTT\x04" + bytes((_CLEAN_SESSION if clean else 0,)) + _KEEPALIVE_S.to_bytes(2, "big")
    body += len(identifier).to_bytes(2, "big") + identifier
    assert len(body) < 128, "the remaining length of our names fits one byte"
    return bytes((0x10, len(body))) + body


def _judge(stream: ssl.SSLSocket) -> Trial:
    answer = b""
    while len(answer) < 4:
        more = stream.recv(4 - len(answer))
        if not more:
            return Trial(entry=Entry.REFUSED, detail="closed without an answer")
        answer += more
    if answer[:2] != _CONNACK or answer[3] != 0:
        return Trial(entry=Entry.REFUSED, detail=f"CONNACK {answer.hex()}")
    stream.sendall(_DISCONNECT)
    return Trial(entry=Entry.ADMITTED)
