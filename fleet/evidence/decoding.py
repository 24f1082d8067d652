"""Messages of the wire as JSON with names, for people who look at one."""

import msgspec

from agent.wire import messages, topics
from agent.wire.beyond import beyond


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
