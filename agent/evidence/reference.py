"""A reference sensor: one device that speaks at a known pace, so that its silence says something at once.

It is known by its DevAddr in the signed configuration; nothing of it is decoded.
"""

from agent.observation import ReferenceState
from agent.wire.configuration import ReferenceConfig


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
