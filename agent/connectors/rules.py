"""Limits of delivery: what late means and how fast a backlog drains (DESIGN: late frames do no harm)."""

from dataclasses import dataclass

LATE_AFTER_US = 3_000_000
"""A frame that is not acknowledged this long after its reception is late."""
ADDRESS_SPACING_US = 500_000
"""Stored frames of one DevAddr are so far apart, beyond the servers' deduplication (200 ms in ChirpStack)."""
ADDRESS_PATIENCE_FRAMES = 20
"""An address with more frames than this waiting may drain at twice the pace at which it sent; so may frames
that came in while the server answered.

That is faster only for frames less than 1 s apart, which no device on air keeps up under its duty cycle.
A replay of recorded frames does, and would otherwise never catch up.
"""
DRAIN_FRAMES_PER_S = 20
DRAIN_BURST_FRAMES = 10
"""lorawan-stack refuses more than 10 datagrams of one gateway within 10 ms and buffers 16."""
LIVE_LIMIT_FRAMES = 1024
"""Frames younger than 3 s that wait for their acknowledgement; beyond it they go by way of the spool."""
FETCH_FRAMES = 16
"""Read ahead for one address."""

NEIGHBOURS_WAIT_US = 180_000_000
"""Stored frames wait so long for the fleet's word on what neighbours delivered: its heartbeat is 30 s, its
look 10 s; six times that without a word is a fleet that is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """How one connector delivers."""

    replay: bool = True
    spare_delivered: bool = False
    """Stored frames that a neighbour delivered are not sent."""
    neighbours_wait_us: int = NEIGHBOURS_WAIT_US
    drain_frames_per_s: int = DRAIN_FRAMES_PER_S
    drain_burst_frames: int = DRAIN_BURST_FRAMES

    @property
    def active_addresses(self) -> int:
        """Addresses that drain at the same time: each sends two frames a second, and half as many again."""
        return max(16, min(512, self.drain_frames_per_s * 3 // 4))
