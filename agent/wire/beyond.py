"""What a message holds beyond the fields that this code knows: a newer gateway appended it.

Decoding passes over it, so that old readers go on; whoever shows or keeps a message gets it from here.
"""

from typing import Any

import msgspec

from agent.wire.compact import is_plain_beat, known_of_compact
from agent.wire.messages import Heartbeat, JournalBatch, decode


def beyond(leaf: str, payload: bytes) -> tuple[Any, ...]:
    """Return the elements of ``payload`` behind those that are known, for a batch of all its records.

    Raises:
        WireError: ``payload`` is not what the leaf promises.
    """
    message = decode(leaf, payload)
    plain = msgspec.msgpack.decode(payload)
    if isinstance(message, JournalBatch):
        more = [
            one[len(record.__struct_fields__) :]
            for one, record in zip(plain[0], message.records, strict=True)
        ]
        return (*(element for one in more for element in one), *plain[1:])
    return tuple(plain[_known(message, payload) :])


def _known(message: msgspec.Struct, payload: bytes) -> int:
    if isinstance(message, Heartbeat) and not is_plain_beat(payload):
        return known_of_compact()
    tagged = message.__struct_config__.tag is not None
    return len(message.__struct_fields__) + tagged
