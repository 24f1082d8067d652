"""Messages of the wire as JSON with names, for people who look at one.

A newer gateway appends fields: decoding passes over them, so that old readers go on; ``beyond`` finds them.
"""

from typing import Any

import msgspec

from agent.wire import messages, topics
from agent.wire.compact import is_plain_beat, known_of_compact
from agent.wire.messages import Heartbeat, JournalBatch, decode


def decode_message(topic: str, payload: bytes) -> str:
    """Return the message as indented JSON with names; what is newer than this code as ``beyond``."""
    _, leaf = topics.split(topic)
    shown = named(messages.decode(leaf, payload))
    more = beyond(leaf, payload)
    if more and isinstance(shown, dict):
        shown["beyond"] = more
    return msgspec.json.format(msgspec.json.encode(shown), indent=1).decode()


def named(value: object) -> object:
    """Return a message as objects with names; the wire has arrays without."""
    if isinstance(value, msgspec.Struct):
        return {name: named(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, tuple | list):
        return [named(item) for item in value]
    return value


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
        return (*(element for one in more for element in one), *plain[_known(message, payload) :])
    return tuple(plain[_known(message, payload) :])


def _known(message: msgspec.Struct, payload: bytes) -> int:
    if isinstance(message, Heartbeat) and not is_plain_beat(payload):
        return known_of_compact()
    tagged = message.__struct_config__.tag is not None
    return len(message.__struct_fields__) + tagged
