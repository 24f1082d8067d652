"""Journal rows of the outbox put together into one message (pure)."""

from collections.abc import Sequence

import msgspec

from agent.wire.messages import JournalBatch, JournalRecord, WireError, encode

BATCH_RECORDS = 200
BATCH_BYTES = 48 * 1024
"""Bodies in one message; the wire allows 64 KiB in all."""

_RECORD = msgspec.msgpack.Decoder(JournalRecord)


def batch_message(bodies: Sequence[bytes]) -> bytes:
    """Return the journal message that holds these stored records.

    Raises:
        WireError: a row is no record; the disk kept something else than was written.
    """
    try:
        return encode(JournalBatch(tuple(_RECORD.decode(body) for body in bodies)))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise WireError(f"journal: {error}") from error
