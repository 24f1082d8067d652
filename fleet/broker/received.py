"""One message as the broker gave it: a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as the broker gave it; ``epoch`` is the connection that must acknowledge it."""

    topic: str
    payload: bytes
    retained: bool
    received_at_us: int
    """Our UTC."""
    qos: int = 0
    mid: int = 0
    epoch: int = 0
    monotonic_us: int | None = None
    """When it was received on the monotonic clock: our UTC may have moved since; None: it has not."""
