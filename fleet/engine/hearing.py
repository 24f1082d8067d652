"""Watches who hears nothing while its neighbours do, a look a minute; ``fleet.airtime.hearing`` decides."""

from collections import deque
from collections.abc import Mapping

import structlog

from agent.wire.messages import Radio
from fleet.airtime.hearing import LOOK_EVERY_US, LOOKS_LIMIT, Count, Look, Silence, decide, near
from fleet.durations import SECOND_US
from fleet.live.memory import GatewayMemory, Memory
from fleet.registry.store import Registry

log = structlog.get_logger("fleet.engine")
FRESH_US = 90 * SECOND_US
"""Age up to which a heartbeat says what its gateway received."""


class HearingWatch:
    """Used by the engine's thread; ``silent`` is replaced as a whole, so that pages read it as it stands.

    What it remembers may be lost: after a restart a silence is found again within minutes.
    """

    def __init__(self) -> None:
        self._looks: deque[Look] = deque(maxlen=LOOKS_LIMIT)
        self._registry: Registry | None = None
        self._near: Mapping[str, tuple[str, ...]] = {}
        self._due_us = 0
        """On the monotonic clock."""
        self.silent: Mapping[str, Silence] = {}

    def look(self, memory: Memory, registry: Registry, now_us: int, monotonic_us: int) -> None:
        """Take in what all gateways received, if it is time, and judge; what fails here stops no cycle."""
        if monotonic_us < self._due_us:
            return
        self._due_us = monotonic_us + LOOK_EVERY_US
        try:
            self._judge(memory, registry, now_us)
        except Exception:
            self.silent = {}
            log.exception("hearing_failed")

    def _judge(self, memory: Memory, registry: Registry, now_us: int) -> None:
        if registry is not self._registry:
            self._registry, self._near = registry, near(_places(registry))
        counts = {
            eui: count
            for eui, known in memory.gateways.items()
            if (count := _count(known, now_us)) is not None
        }
        self._looks.append(Look(now_us, counts))
        self.silent = decide(tuple(self._looks), self._near)


def _places(registry: Registry) -> dict[str, tuple[float, float]]:
    return {
        eui: (one.lat, one.lon)
        for eui, one in registry.gateways.items()
        if one.lat is not None and one.lon is not None
    }


def _count(known: GatewayMemory, now_us: int) -> Count | None:
    """Return what a gateway that receives counted; None: it does not say so now."""
    beat, at_us = known.heartbeat, known.heartbeat_at_us
    if beat is None or at_us is None or now_us - at_us > FRESH_US or beat.radio is not Radio.RECEIVING:
        return None
    return Count(beat.boot, beat.received)
