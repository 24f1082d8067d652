"""Which frames the LNS had lately, by device, and which gateways hear it: in memory, bounded.

    uplink events ─▶ frames of a device (when, counter), its gateways ─▶ known(gateway, since)

Used by the events' threads and the engine's; a process that starts anew knows nothing, and says since when.
"""

import sys
import threading
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from agent.wire.neighbours import (
    DEVICES_LIMIT,
    SPANS_LIMIT,
    CounterSpan,
    DeviceFrames,
    NeighbourDeliveries,
)
from fleet.durations import HOUR_US, SECOND_US
from fleet.objects.events import Report

KEEP_US = 12 * HOUR_US
"""Longer outages are answered for their last twelve hours."""
DEVICES_KNOWN_LIMIT = 400_000
"""300,000 sensors promised for 2030 (AMI 1.2); the device that was silent longest makes room."""
FRAMES_LIMIT = 128
"""Frames of one device: ten an hour for ``KEEP_US``; the oldest go."""
FRAMES_KNOWN_LIMIT = 8_000_000
"""Frames of all devices, 64 MB; the device that was silent longest makes room."""
GATEWAYS_LIMIT = 8
"""Gateways that hear one device; the one that did not for the longest time goes."""
ANSWER_LIMIT_BYTES = 60_000
"""Bytes of one answer; the wire allows 64 KiB."""
_DEVICE_BYTES, _SPAN_BYTES = 14, 7
"""A device and a span take so many bytes of MessagePack at most."""
_COUNTER_BITS = 16
_LOW = (1 << _COUNTER_BITS) - 1


@dataclass(slots=True)
class _Device:
    frames: "array[int]" = field(default_factory=lambda: array("q"))
    """Seconds UTC and the counter's low 16 bits, in one number."""
    gateways: dict[str, None] = field(default_factory=dict)
    """The newest last."""

    def take(self, at_us: int, counter: int) -> int:
        """Return by how many frames it grew."""
        self.frames.append(at_us // SECOND_US << _COUNTER_BITS | counter & _LOW)
        if len(self.frames) <= FRAMES_LIMIT:
            return 1
        del self.frames[0]
        return 0

    def counters(self, from_us: int) -> set[int]:
        from_s = from_us // SECOND_US
        return {frame & _LOW for frame in self.frames if frame >> _COUNTER_BITS >= from_s}


class RecentUplinks:
    """What the LNS had, since this process began or for ``KEEP_US``."""

    def __init__(
        self, *, devices_limit: int = DEVICES_KNOWN_LIMIT, frames_limit: int = FRAMES_KNOWN_LIMIT
    ) -> None:
        self._devices_limit, self._frames_limit = devices_limit, frames_limit
        self._lock = threading.Lock()
        self._devices: dict[str, _Device] = {}
        self._heard_by: dict[str, set[str]] = {}
        self._since_us: int | None = None
        self._frames = 0

    def take(self, report: Report) -> None:
        """Take in one uplink event; one without DevAddr and counter says nothing here."""
        if report.address is None or report.counter is None:
            return
        with self._lock:
            self._since_us = report.at_us if self._since_us is None else self._since_us
            device = self._devices.pop(report.address, None) or _Device()
            self._devices[report.address] = device
            self._frames += device.take(report.at_us, report.counter)
            for eui in report.gateways:
                device.gateways.pop(eui, None)
                device.gateways[sys.intern(eui)] = None
                self._heard_by.setdefault(eui, set()).add(report.address)
            while len(device.gateways) > GATEWAYS_LIMIT:
                self._unheard(next(iter(device.gateways)), report.address, device)
            while len(self._devices) > self._devices_limit or self._frames > self._frames_limit:
                self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest, device = next(iter(self._devices.items()))
        for eui in list(device.gateways):
            self._unheard(eui, oldest, device)
        self._frames -= len(device.frames)
        del self._devices[oldest]

    def _unheard(self, eui: str, address: str, device: _Device) -> None:
        del device.gateways[eui]
        self._heard_by[eui].discard(address)

    def known(self, eui: str, from_us: int, now_us: int) -> NeighbourDeliveries | None:
        """Return what the LNS had since ``from_us`` of devices that a gateway hears; None: no event came."""
        with self._lock:
            if self._since_us is None:
                return None
            since_us = max(from_us, self._since_us, now_us - KEEP_US)
            found = [
                (address, self._devices[address].counters(since_us))
                for address in sorted(self._heard_by.get(eui, ()))
            ]
        return NeighbourDeliveries(from_us=since_us, devices=tuple(_within_limits(found)))


def _within_limits(found: Iterable[tuple[str, set[int]]]) -> Iterator[DeviceFrames]:
    """Yield devices while they fit; what is left out is delivered again, never lost."""
    room, devices = ANSWER_LIMIT_BYTES, 0
    for address, counters in found:
        spans = spans_of(counters)[-SPANS_LIMIT:]
        room -= _DEVICE_BYTES + _SPAN_BYTES * len(spans)
        if room < 0 or devices == DEVICES_LIMIT:
            return
        if spans:
            devices += 1
            yield DeviceFrames(address, tuple(spans))


def spans_of(counters: Iterable[int]) -> list[CounterSpan]:
    """Return counters as spans, in order.

    >>> [(span.first, span.last) for span in spans_of({5, 3, 4, 9})]
    [(3, 5), (9, 9)]
    """
    spans: list[CounterSpan] = []
    for counter in sorted(set(counters)):
        if spans and spans[-1].last == counter - 1:
            spans[-1] = CounterSpan(spans[-1].first, counter)
        else:
            spans.append(CounterSpan(counter, counter))
    return spans
