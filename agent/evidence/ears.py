"""The two senders that the data path listens for: a neighbour's test frames, and a reference sensor.

A reference sensor speaks at a known pace, so that its silence says something at once.  It is known by its
DevAddr in the signed configuration; nothing of it is decoded.
"""

import asyncio
from dataclasses import dataclass, field

from agent.observation import ReferenceState
from agent.wire import reasons
from agent.wire.configuration import ReferenceConfig
from agent.wire.testframe import FREQUENCIES_HZ, decode_test_frame
from hal.packets import Lora, ReceivedFrame

LISTENING_LIMIT = 4
"""Nonces at once; commands run one after the other, so more than one is a fault of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedTestFrame:
    """One test frame as it arrived."""

    index: int
    frequency_hz: int
    rssi_dbm: float
    snr_db: float

    def __str__(self) -> str:
        return f"{self.frequency_hz / 1e6:.1f} MHz {self.rssi_dbm:.0f} dBm {self.snr_db:.1f} dB"


@dataclass(slots=True)
class _Listening:
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    received: dict[int, ReceivedTestFrame] = field(default_factory=dict)


class ListeningFull(reasons.ReasonedError, ValueError):
    """Too many test frames are listened for already."""


class TestEar:
    """Collects the test frames that a command waits for; called in the event loop for every good frame."""

    __test__ = False

    def __init__(self) -> None:
        self._listening: dict[str, _Listening] = {}

    def on_air(self, frame: ReceivedFrame) -> None:
        """Take in a frame; looked at only while somebody listens."""
        if not self._listening:
            return
        found = decode_test_frame(frame.payload)
        listening = None if found is None else self._listening.get(found[0])
        if found is None or listening is None:
            return
        listening.received[found[1]] = ReceivedTestFrame(
            index=found[1],
            frequency_hz=int(frame.frequency_hz),
            rssi_dbm=float(frame.rssi_signal_dbm),
            snr_db=frame.snr_db if isinstance(frame.modulation, Lora) else 0.0,
        )
        if len(listening.received) >= len(FREQUENCIES_HZ):
            listening.complete.set()

    async def listen(self, nonce: str, limit_s: float) -> tuple[ReceivedTestFrame, ...]:
        """Return the test frames of ``nonce``: all of them, or those that came within ``limit_s``.

        Raises:
            ListeningFull: too many nonces are listened for.
        """
        if len(self._listening) >= LISTENING_LIMIT:
            raise ListeningFull(reasons.testframe.listening_full(limit_tests=LISTENING_LIMIT))
        listening = self._listening[nonce] = _Listening()
        try:
            await asyncio.wait_for(listening.complete.wait(), limit_s)
        except TimeoutError:
            pass
        finally:
            del self._listening[nonce]
        return tuple(received for _, received in sorted(listening.received.items()))


class ReferenceEar:
    """Remembers when the reference sensor was received last; called for every good frame."""

    def __init__(self, config: ReferenceConfig) -> None:
        self._config = config
        self._address = _address(config)
        self._frames = 0
        self._received_at_us = 0

    def frame_received(self, address: int, now_us: int) -> None:
        """Take in a frame of a DevAddr."""
        if address == self._address:
            self._frames += 1
            self._received_at_us = now_us

    def reconfigure(self, config: ReferenceConfig) -> None:
        """Follow another sensor from here on, if it is another."""
        if config != self._config:
            self._config, self._address = config, _address(config)
            self._frames = self._received_at_us = 0

    def state(self) -> ReferenceState | None:
        """Return what is known of it; None where the configuration names none."""
        if self._address is None:
            return None
        return ReferenceState(
            dev_addr=self._config.dev_addr,
            period_s=self._config.period_s,
            frames=self._frames,
            received_at_us=self._received_at_us,
        )


def _address(config: ReferenceConfig) -> int | None:
    return int(config.dev_addr, 16) if config.dev_addr else None
