"""Whether the kernel says that its clock is disciplined.

Sources: adjtimex(2): return value 5 (TIME_ERROR) and status bit STA_UNSYNC (0x0040) mean not synchronised.
"""

import ctypes

from agent.wire.messages import TimeQuality

_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_TIMEX_BYTES = 208
_STATUS_AT = 40
"""Offset of ``status`` in ``struct timex`` of 64-bit Linux: after modes, offset, freq, maxerror, esterror."""


def kernel_quality() -> TimeQuality:
    """Return NTP when the kernel's clock is disciplined, else UNTRUSTED."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.sizeof(ctypes.c_long) != 8:
        return TimeQuality.UNTRUSTED
    try:
        verdict = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return TimeQuality.UNTRUSTED
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    if verdict in (-1, _TIME_ERROR) or status & _STA_UNSYNC:
        return TimeQuality.UNTRUSTED
    return TimeQuality.NTP
