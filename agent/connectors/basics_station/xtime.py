"""The protocol's xtime: the counter of one start of the radio, pure.

Source: doc.sm.tc/station: bits 62–56 the unit, 55–48 the session (never 0), 47–0 microseconds.  Our own
number of the start goes in modulo 255.
"""

COUNTER_BITS = 48
SESSIONS = 255


def session_code(session: int) -> int:
    """Return the eight bits that stand for a start of the radio."""
    return session % SESSIONS + 1


def xtime_of(counter_us: int, session: int) -> int:
    """Return the xtime of an instant.

    >>> hex(xtime_of(5, 0))
    '0x1000000000005'
    """
    return session_code(session) << COUNTER_BITS | counter_us & (1 << COUNTER_BITS) - 1


def counter_of(xtime: int, session: int) -> int | None:
    """Return the counter of an xtime; None when it belongs to another start of the radio than ``session``."""
    if xtime < 0 or xtime >> COUNTER_BITS != session_code(session):
        return None
    return xtime & (1 << COUNTER_BITS) - 1
