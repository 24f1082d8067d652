"""Starts a virtual chip with raw bytes, from FACTS alone: neither our driver nor the twin's own constants.

Channels: 868.1, 868.3, 868.5 MHz on radio B (868.5), 867.1 to 867.9 MHz on radio A (867.5); LoRa service at
868.3 MHz SF7 250 kHz and FSK 50 kbit/s at 868.8 MHz on radio B.
"""

from collections.abc import Callable

from hal.twin.chip import VirtualChip
from hal.twin.images import synthetic_agc, synthetic_arb

Transfer = Callable[[bytes], bytes]

CENTRES_HZ = (867_500_000, 868_500_000)
CHANNELS = (
    (1, -400_000),
    (1, -200_000),
    (1, 0),
    (0, -400_000),
    (0, -200_000),
    (0, 0),
    (0, 200_000),
    (0, 400_000),
)
AGC_ROWS = (
    (0x80, 0x02, (0xFF, 0xFF, None)),
    (0x20, 0x03, (0xFF, 0xFF, None)),
    (0x03, 0x04, (1, 13, None)),
    (0x04, 0x05, (3, 12, None)),
    (0x05, 0x06, (4, 15, None)),
    (0x06, 0x07, (40, 80, 90)),
    (0x07, 0x08, (4, 14, None)),
    (0x08, 0x09, (52, 132, None)),
    (0x09, 0x0A, (0, 7, 4)),
    (0x0A, 0x0B, (8, None, None)),
)


class RawHost:
    """A host that knows the SPI frames of FACTS §1 and nothing else."""

    def __init__(self, transfer: Transfer) -> None:
        self.transfer = transfer

    def write(self, address: int, *values: int) -> None:
        self.burst(address, bytes(values))

    def burst(self, address: int, data: bytes) -> None:
        for offset in range(0, len(data), 1024):
            place = address + offset
            self.transfer(bytes((0, 0x80 | place >> 8, place & 0xFF)) + data[offset : offset + 1024])

    def read(self, address: int, count: int = 1) -> bytes:
        return self.transfer(bytes((0, address >> 8, address & 0xFF)) + bytes(1 + count))[4:]

    def radio(self, radio: int, *frame: int) -> bytes:
        return self.transfer(bytes((1 + radio, *frame)))[2:]

    def start(
        self, agc: bytes, arb: bytes, *, lbt: int = 0, public: bool = True, legacy: bool = True
    ) -> None:
        self.start_radios()
        self.configure(public=public, legacy=legacy)
        self.load(0x5780, 0x0000, agc, idle=0x10)
        assert self.read(0x5781) == b"\x01"
        self.agc_handshake(lbt=lbt)
        self.load(0x6080, 0x2000, arb, idle=0x20)
        assert self.read(0x6081) == b"\x01"
        for address, value in ((0x6089, 7), (0x608C, 0), (0x608B, 3), (0x608A, 1)):
            self.write(address, value)
        assert self.read(0x6081) == b"\x00"
        self.write(0x6100, 0x03)

    def start_radios(self) -> None:
        for radio, centre in enumerate(CENTRES_HZ):
            for value in (0x04, 0x0C, 0x04, 0x0C):
                self.write(0x5783 + radio, value)
            assert self.radio(radio, 0xC0, 0) == b"\x24"
            self.radio(radio, 0x98, 0xD7, 0xDB)
            self.radio(radio, 0x80, 0x01)
            assert self.radio(radio, 0xC0, 0) == b"\x34"
            self.radio(radio, 0x86, *(centre * (1 << 25) // 32_000_000).to_bytes(4, "big"))
            self.radio(radio, 0x82, 0xFF, 0xFF, 0xFF)
        self.write(0x5601, 0x13)

    def configure(self, *, public: bool, legacy: bool) -> None:
        self.write(0x58C0, 0x04 if legacy else 0x00)
        self.write(0x58C1, 32)
        self.write(0x5810, sum(radio << index for index, (radio, _) in enumerate(CHANNELS)))
        for index, (_, offset) in enumerate(CHANNELS):
            self._if(0x5800 + 2 * index, offset)
        self._if(0x5B00, -200_000)
        self._if(0x5B50, 300_000)
        self.write(0x5B02, 1)
        self.write(0x5B54, 0x02)
        self.write(0x5821, 0xFF)
        self.write(0x588E, 6 if public else 2)
        self.write(0x5B2E, 6 if public else 2)
        self.write(0x5B21, 0x57, 0x89, 0x14)
        self.write(0x5B53, 2 << 3 | 3)
        self.write(0x5B5B, 0x02, 0x80, 0xC1, 0x94, 0xC1)
        self.write(0x5605, 0x0F)

    def _if(self, address: int, offset_hz: int) -> None:
        raw = int(offset_hz * 32 / 15625) & 0x1FFF
        self.write(address, raw >> 8)
        self.write(address + 1, raw & 0xFF)

    def load(self, control: int, start: int, image: bytes, *, idle: int) -> None:
        self.write(control, idle | 0x04)
        self.write(control, idle | 0x06)
        self.write(0x5600, 0)
        self.burst(start, image)
        assert b"".join(self.read(start + at, 1024) for at in range(0, len(image), 1024)) == image
        self.write(control, idle | 0x04)
        self.write(control, idle)

    def agc_handshake(self, *, lbt: int) -> None:
        for notify, status, boxes in (*AGC_ROWS, (0x0B, 0x0F, (lbt, None, None))):
            for box, value in enumerate(boxes):
                if value is not None:
                    self.write(0x578C - box, value)
            self.write(0x5789, notify)
            assert self.read(0x5781) == bytes((status,)), f"notify {notify:02x}"
            for box, value in enumerate(boxes):
                if value is not None:
                    assert self.read(0x5790 - box) == bytes((value,))
        self.write(0x5789, 0x0F)

    def fetch(self) -> bytes:
        count = int.from_bytes(self.read(0x58C8, 2), "big")
        return self.read(0x4000, count) if count else b""

    def counter(self) -> int:
        return int.from_bytes(self.read(0x6105, 4), "big")

    def prepare_lora(
        self, payload: bytes, *, frequency_hz: int = 869_525_000, sf: int = 9, chain: int = 0
    ) -> None:
        base = 0x5200 + 0x200 * chain
        self.write(base + 0x09, 0)
        self.write(base + 0x20, 0x0D)
        self.write(base + 0x0D, 0x11)
        self.write(base + 0x25, *(frequency_hz * (1 << 18) // 32_000_000).to_bytes(3, "big"))
        self.write(base + 0x60, 0x40 | sf, 0x01, 0x60, len(payload))
        self.write(base + 0x65, 0x80, 8, 0)
        self.write(base + 0x69, 0x66)
        self.write(base + 0x6D, 0xA6, 0x68)
        self.write(base + 0x05, 0xB9, 0x35)
        self.write(base + 0x07, 1)
        self.burst(base + 0x100, payload)
        self.write(base + 0x07, 0)

    def trigger(self, *, delayed_to: int | None = None, gps: bool = False, chain: int = 0) -> None:
        base = 0x5200 + 0x200 * chain
        self.write(base, 0)
        if delayed_to is not None:
            self.write(base + 1, *((delayed_to - 0xB935) & 0xFFFFFFFF).to_bytes(4, "big"))
        self.write(base, 0x04 if gps else 0x01 if delayed_to is None else 0x02)


def started(chip: VirtualChip, *, lbt: int = 0, public: bool = True, legacy: bool = True) -> RawHost:
    """Return a host that has brought ``chip`` up."""
    host = RawHost(chip.transfer)
    host.start(synthetic_agc(), synthetic_arb(), lbt=lbt, public=public, legacy=legacy)
    return host
