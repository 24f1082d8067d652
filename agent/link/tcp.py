"""What the kernel knows of the session's TCP connection: whether it is dead, its round trip, its bytes.

Heartbeats need no answer, so the kernel watches for us: data that stays unacknowledged for
``USER_TIMEOUT_S`` closes the connection.  That replaces most of MQTT's own pings, which would cost
0.3 MB a day (204 bytes with TLS and TCP headers, each minute).

Sources: tcp(7) for TCP_INFO and TCP_USER_TIMEOUT; ``struct tcp_info`` in linux/tcp.h, fixed layout up to
``tcpi_bytes_sent`` since Linux 4.19.
"""

import socket
import ssl
import struct
from dataclasses import dataclass

USER_TIMEOUT_S = 45
"""A heartbeat that is not acknowledged in that time ends the session; less than two heartbeats."""
_TCP_INFO_BYTES = 232
_UNACKED_AT, _RTT_AT, _BYTES_ACKED_AT, _BYTES_RECEIVED_AT, _SEGMENTS_AT = 24, 68, 120, 128, 136
HEADERS_BYTES = 20 + 32
"""IPv4 and TCP with the timestamp option, each segment."""

Line = socket.socket | ssl.SSLSocket


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpInfo:
    """Counts since the connection began."""

    rtt_us: int
    unacked_segments: int
    bytes_acked: int
    bytes_received: int
    segments_out: int
    segments_in: int

    @property
    def wire_bytes(self) -> int:
        """Both directions, with IP and TCP headers."""
        segments = self.segments_out + self.segments_in
        return self.bytes_acked + self.bytes_received + segments * HEADERS_BYTES


def decode_tcp_info(raw: bytes) -> TcpInfo:
    """Return the fields of ``struct tcp_info``.

    Raises:
        ValueError: the kernel tells less than Linux 4.19 does.
    """
    if len(raw) < _SEGMENTS_AT + 8:
        raise ValueError(f"tcp_info: {len(raw)} bytes, {_SEGMENTS_AT + 8} are needed")
    (unacked,) = struct.unpack_from("=I", raw, _UNACKED_AT)
    (rtt_us,) = struct.unpack_from("=I", raw, _RTT_AT)
    acked, received = struct.unpack_from("=QQ", raw, _BYTES_ACKED_AT)
    out, into = struct.unpack_from("=II", raw, _SEGMENTS_AT)
    return TcpInfo(
        rtt_us=rtt_us,
        unacked_segments=unacked,
        bytes_acked=acked,
        bytes_received=received,
        segments_out=out,
        segments_in=into,
    )


def tcp_info(line: Line) -> TcpInfo:
    """Return what the kernel knows of ``line``."""
    return decode_tcp_info(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES))


def watch_by_kernel(line: Line) -> None:
    """Close ``line`` when sent data stays unacknowledged."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_S * 1000)
