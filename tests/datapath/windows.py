"""Virtual sensors that hear only what begins in a window of theirs, on the right channel, inverted.

Sources: LoRaWAN 1.0.4 §3.3 (a downlink begins 20 us around the end of the uplink plus the delay), §11 and §12
(ping slots of 30 ms, counted from the beacon's end of reserved time), §17 (class C listens with RX2 always).
"""

from dataclasses import dataclass

from hal.packets import Lora, Transmission

EXACT_US = 20
SLOT_US = 30_000
BEACON_RESERVED_US = 2_120_000


@dataclass(frozen=True)
class Window:
    """When, where and how a sensor listens; ``length_us`` None: for ever from then on."""

    opens_us: int
    frequency_hz: int
    sf: int
    length_us: int | None = EXACT_US
    beacon: bool = False

    def hears(self, sent: Transmission) -> bool:
        """Whether a transmission is received; its start is on the gateway's timeline."""
        modulation, start_us = sent.modulation, int(sent.at_us or 0)
        if not isinstance(modulation, Lora) or sent.frequency_hz != self.frequency_hz:
            return False
        if modulation.sf != self.sf or sent.invert_polarity is self.beacon:
            return False
        in_time = start_us >= self.opens_us - EXACT_US
        if self.length_us is not None:
            in_time = in_time and start_us <= self.opens_us + self.length_us
        return in_time and sent.implicit_header is self.beacon


def rx1(uplink_end_us: int) -> Window:
    return Window(uplink_end_us + 1_000_000, 868_100_000, 7)


def rx2(uplink_end_us: int) -> Window:
    return Window(uplink_end_us + 2_000_000, 869_525_000, 12)


def ping_slot(beacon_us: int, slot: int) -> Window:
    return Window(beacon_us + BEACON_RESERVED_US + slot * SLOT_US, 869_525_000, 9)


def always(since_us: int) -> Window:
    return Window(since_us, 869_525_000, 12, length_us=None)


def beacon(at_us: int) -> Window:
    return Window(at_us, 869_525_000, 9, beacon=True)
