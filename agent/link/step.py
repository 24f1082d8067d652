"""Decisions of the link, pure: when to connect to the broker again, and what a journal message holds.

What ended the session decides: a refusal or an orderly close by the broker is answered after a uniform
0–20 s, so that 1,615 gateways never come back in one second; a line that failed is tried at once, then
with growing, jittered waits.

    ended by       try 1        try n
    LINE_LOST      at once      0.5..1 × min(60, 2^(n-1)) s
    REFUSED        0..20 s      as above, at least 0..20 s
    NOT_ALLOWED    300 s        300 s: a certificate or password that the broker refuses
"""

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from agent.wire.messages import Gone, JournalBatch, JournalRecord, WireError, encode

BATCH_RECORDS = 200
BATCH_BYTES = 48 * 1024
"""Bodies in one message; the wire allows 64 KiB in all."""

_RECORD = msgspec.msgpack.Decoder(JournalRecord)

REFUSED_SPREAD_S = 20.0
LONGEST_WAIT_S = 60.0
NOT_ALLOWED_WAIT_S = 300.0


class Ended(StrEnum):
    """Why a session ended or never began."""

    LINE_LOST = "line_lost"
    REFUSED = "refused"
    NOT_ALLOWED = "not_allowed"


def end_of(ended: Ended, *, worked: bool, unacknowledged: bool) -> Ended:
    """Return what ended a session, as the kernel distinguishes it.

    A session that worked and ends with everything acknowledged was closed by the broker: all gateways saw
    that at the same instant and must spread.  Data that nobody acknowledged means that the line failed.

    >>> end_of(Ended.LINE_LOST, worked=True, unacknowledged=False).value
    'refused'
    """
    closed = ended is Ended.LINE_LOST and worked and not unacknowledged
    return Ended.REFUSED if closed else ended


def wait_s(ended: Ended, *, tries: int, jitter: float) -> float:
    """Return the wait before try ``tries`` (1 is the first after a session that worked).

    >>> wait_s(Ended.LINE_LOST, tries=1, jitter=0.5)
    0.0
    """
    growing = 0.0 if tries <= 1 else min(LONGEST_WAIT_S, 2.0 ** min(tries - 1, 16)) * (0.5 + jitter / 2)
    match ended:
        case Ended.LINE_LOST:
            return growing
        case Ended.REFUSED:
            return max(growing, REFUSED_SPREAD_S * jitter)
        case Ended.NOT_ALLOWED:
            return NOT_ALLOWED_WAIT_S * (0.5 + jitter / 2)


def batch_message(bodies: Sequence[bytes], gone: Sequence[Gone] = ()) -> bytes:
    """Return the journal message that holds these stored records, and says which are here no more.

    Raises:
        WireError: a row is no record; the disk kept something else than was written.
    """
    try:
        return encode(JournalBatch(tuple(_RECORD.decode(body) for body in bodies), tuple(gone)))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise WireError(f"journal: {error}") from error
