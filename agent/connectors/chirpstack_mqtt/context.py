"""The context that travels with an uplink and comes back with its downlink: which counter, of which start.

Opaque to the server; ours says both, so that a downlink for another start of the radio is refused exactly.
"""

import struct

VERSION = 1
_LAYOUT = struct.Struct(">BQQ")


class ContextError(ValueError):
    """A context that is not one of ours."""


def encode_context(counter_us: int, session: int) -> bytes:
    """Return 17 bytes."""
    return _LAYOUT.pack(VERSION, counter_us, session)


def decode_context(context: bytes) -> tuple[int, int]:
    """Return (counter, session).

    Raises:
        ContextError: not 17 bytes, or of another version.
    """
    if len(context) != _LAYOUT.size or context[0] != VERSION:
        raise ContextError(f"context: {context.hex() or 'empty'} is not one of ours")
    _, counter_us, session = _LAYOUT.unpack(context)
    return counter_us, session
