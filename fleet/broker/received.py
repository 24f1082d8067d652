"""One message as the broker gave it: a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One message as the broker gave it; ``epoch`` is the connection that must acknowledge it."""

    topic: str
    payload: bytes
    retained: bool
    received_at_us: int
    qos: int = 0
    mid: int = 0
    epoch: int = 0
