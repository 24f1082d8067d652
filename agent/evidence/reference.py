"""A reference sensor: one device that speaks at a known pace, so that its silence says something at once.

It is known by its DevAddr in the signed configuration; nothing of it is decoded.
"""

from dataclasses import dataclass

from agent.wire.configuration import ReferenceConfig

PERIODS_MISSED = 3
"""Silent for so many periods is strange: two frames may collide."""
HEARD_BEFORE = 3
"""Frames of this run before its silence is judged: one that never was in reach proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceState:
    """The sensor at an instant; ``heard_at_us`` is monotonic."""

    dev_addr: str
    period_s: int
    frames: int
    heard_at_us: int

    def suspicion(self, now_us: int, since_us: int) -> str:
        """Return why its silence since it was heard, or since ``since_us``, is strange; empty: it is not."""
        silent_s = (now_us - max(self.heard_at_us, since_us)) // 1_000_000
        if self.frames < HEARD_BEFORE or silent_s < PERIODS_MISSED * self.period_s:
            return ""
        return f"reference sensor {self.dev_addr} silent for {silent_s} s, it speaks every {self.period_s} s"


class ReferenceEar:
    """Called for every good frame."""

    def __init__(self, config: ReferenceConfig) -> None:
        self._config = config
        self._address = _address(config)
        self._frames = 0
        self._heard_at_us = 0

    def heard(self, address: int, now_us: int) -> None:
        """Take in a frame of a DevAddr."""
        if address == self._address:
            self._frames += 1
            self._heard_at_us = now_us

    def reconfigure(self, config: ReferenceConfig) -> None:
        """Follow another sensor from here on, if it is another."""
        if config != self._config:
            self._config, self._address = config, _address(config)
            self._frames = self._heard_at_us = 0

    def state(self) -> ReferenceState | None:
        """Return what is known of it; None where the configuration names none."""
        if self._address is None:
            return None
        return ReferenceState(
            dev_addr=self._config.dev_addr,
            period_s=self._config.period_s,
            frames=self._frames,
            heard_at_us=self._heard_at_us,
        )


def _address(config: ReferenceConfig) -> int | None:
    return int(config.dev_addr, 16) if config.dev_addr else None
