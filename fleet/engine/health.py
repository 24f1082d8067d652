"""What the engine says of itself: the figures of `/healthz`."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Health:
    """What `/healthz` shows of the engine."""

    cycles: int = 0
    failures: int = 0
    last_cycle_us: int | None = None
    last_cycle_took_us: int = 0
    last_error: str = ""
    messages: int = 0
    refused: int = 0
