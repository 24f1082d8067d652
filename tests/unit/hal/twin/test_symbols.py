"""Air time and latch delays: public vectors, and every golden packet of the reference."""

import json

import pytest

from hal.packets import Fsk, Lora
from hal.twin.symbols import (
    fsk_air_time_us,
    fsk_delay_us,
    legacy_delay_us,
    lora_air_time_us,
    precision_delay_us,
)
from tests.golden.files import TRANSCRIPTS, golden_text

BANDWIDTHS = {"4": 125_000, "5": 250_000, "6": 500_000}


@pytest.mark.parametrize(
    ("sf", "expected_us"), [(7, 41216), (8, 72192), (9, 144384), (10, 288768), (11, 577536), (12, 991232)]
)
def test_air_time_of_ten_bytes(sf: int, expected_us: int) -> None:
    """lorawan-stack ``pkg/toa/toa_test.go``: 10 bytes, 125 kHz, 4/5."""
    assert lora_air_time_us(Lora(sf=sf), 10) == expected_us


def test_the_low_rate_flag_of_the_transmitter_decides() -> None:
    slow = Lora(sf=12, bandwidth_hz=500_000)
    assert lora_air_time_us(slow, 20, crc=False) == 288_768
    assert lora_air_time_us(slow, 20, crc=False, low_rate=True) == 329_728


def test_fsk_air_time_counts_preamble_sync_length_and_crc() -> None:
    assert fsk_air_time_us(Fsk(bitrate_bps=50_000), 20) == 8 * (5 + 3 + 1 + 20 + 2) * 20


def stamps(fifo: bytes) -> list[tuple[int, int, bool, int]]:
    """Return ``(modem, rate byte, crc, size, stamp in us)`` of each packet, by the layout of FACTS §8."""
    found = []
    place = fifo.find(b"\xa5\xc0")
    while place + 23 <= len(fifo):
        size, _, rate, modem = fifo[place + 2 : place + 6]
        tail = place + 9 + size
        found.append((modem, rate, size, int.from_bytes(fifo[tail + 6 : tail + 10], "little") // 32))
        place = tail + 14 + 2 * fifo[tail + 12]
    return found


def test_latch_delays_undo_what_the_reference_subtracts() -> None:
    compared = 0
    for name in TRANSCRIPTS:
        document = json.loads(golden_text(f"transcripts/{name}.golden.json"))
        fine = document["config"]["SX130x_conf"].get("fine_timestamp", {}).get("enable", False)
        for phase in document["phases"]:
            packets = phase.get("packets") or []
            expected = sorted(int(packet["count_us"]) for packet in packets)
            bandwidth = {packet["modem"]: packet["bw"] for packet in packets}
            found = [
                stamp - delay(modem, rate, size, bandwidth.get(str(modem), "4"), fine=fine)
                for modem, rate, size, stamp in (stamps(bytes.fromhex(phase["fifo"])) if packets else [])
            ]
            assert sorted(found) == expected, (name, phase["phase"])
            compared += len(found)
    assert compared > 100


def delay(modem: int, rate: int, size: int, bandwidth: str, *, fine: bool) -> int:
    if modem == 17:
        return fsk_delay_us(Fsk())
    lora = Lora(sf=rate >> 4, bandwidth_hz=BANDWIDTHS[bandwidth], coding_rate=rate >> 1 & 7)
    if fine:
        return precision_delay_us(lora, size, crc=bool(rate & 1))
    return legacy_delay_us(lora, size, crc=bool(rate & 1), peak_interpolation=True)
