"""What an LNS has through neighbours: the fleet's answer to a gateway that comes back with stored frames.

MessagePack arrays on ``neighbours``, QoS 1, not retained; fields only appended.  A frame is named by its
DevAddr and the low 16 bits of its counter, as it has them on air.  What is not named may be unknown to the
fleet: it is delivered.  The sender keeps within the limits; a device or frame beyond them is left out.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from agent.wire.messages import MESSAGE_LIMIT_BYTES, WireError
from agent.wire.topics import NEIGHBOURS

NEIGHBOUR_DELIVERED = "neighbour_delivered"
"""Why a stored frame was not sent: the LNS has it through a neighbour; no frame was lost."""
DEVICES_LIMIT = 2_000
SPANS_LIMIT = 64
"""Spans of one device in a message."""

Counter16 = Annotated[int, Meta(ge=0, le=65_535)]


class CounterSpan(msgspec.Struct, frozen=True, array_like=True):
    """Frame counters, both ends included."""

    first: Counter16
    last: Counter16


class DeviceFrames(msgspec.Struct, frozen=True, array_like=True):
    """What the LNS has of one device."""

    address: Annotated[str, Meta(pattern=r"^[0-9a-f]{8}$")]
    spans: Annotated[tuple[CounterSpan, ...], Meta(max_length=SPANS_LIMIT)]


class NeighbourDeliveries(msgspec.Struct, frozen=True, array_like=True):
    """Frames of devices that this gateway hears, received by the LNS while it was away."""

    from_us: int
    """Since when, microseconds UTC of the fleet; what was received before is not known."""
    devices: Annotated[tuple[DeviceFrames, ...], Meta(max_length=DEVICES_LIMIT)]


_DECODER = msgspec.msgpack.Decoder(NeighbourDeliveries)


def decode_neighbours(payload: bytes) -> NeighbourDeliveries:
    """Return the message.

    Raises:
        WireError: too large, not MessagePack, or a field that does not fit.
    """
    if len(payload) > MESSAGE_LIMIT_BYTES:
        raise WireError(f"{NEIGHBOURS}: {len(payload)} bytes, at most {MESSAGE_LIMIT_BYTES}")
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise WireError(f"{NEIGHBOURS}: {error}") from error
