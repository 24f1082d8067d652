"""Fine timestamps of the SX1303: what a driver computes from the FIFO is what the frame's arrival was."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.packets import Crc, Lora
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303
from hal.twin.reception.fifo_render import metrics
from tests.unit.hal.twin.bring_up import RawHost, started
from tests.unit.hal.twin.test_receive import EVENT

CLIPS = {12: 4, 11: 8, 10: 16}


def mean_of_cumulated(found: bytes, sf: int) -> float:
    """FACTS §9, as a driver does it."""
    signed = [value - 256 if value > 127 else value for value in found]
    count = 2 * min(len(found) // 2, CLIPS.get(sf, 32))
    cumulated, total = 0, 0
    for value in signed[:count]:
        cumulated += value
        total += cumulated
    return total / count


@given(fraction=st.floats(-100, 100), sf=st.integers(7, 12), pairs=st.integers(1, 32))
def test_the_mean_of_the_cumulated_metrics_is_the_fraction(fraction: float, sf: int, pairs: int) -> None:
    found = metrics(fraction, sf, pairs)
    assert len(found) == 2 * pairs
    count = 2 * min(pairs, CLIPS.get(sf, 32))
    assert mean_of_cumulated(found, sf) == pytest.approx(fraction, abs=0.5 / count + 1e-9)


@pytest.mark.parametrize(("fraction", "first"), [(-500.0, -128), (500.0, 127)])
def test_what_no_byte_can_hold_is_clipped(fraction: float, first: int) -> None:
    assert int.from_bytes(metrics(fraction, 7, 4)[:1], "big", signed=True) == first


def test_no_symbols_no_metrics() -> None:
    assert metrics(0.5, 7, 0) == b""


def precise(model: int) -> tuple[VirtualChip, RawHost]:
    chip = VirtualChip(clock=VirtualClock(), model=model)
    host = started(chip, legacy=False)
    host.write(0x58B3, 0x08)
    return chip, host


@pytest.mark.parametrize("sf", range(7, 13))
def test_a_frame_on_an_sx1303_carries_them(sf: int) -> None:
    chip, host = precise(MODEL_SX1303)
    chip.inject(replace(EVENT, payload=bytes(20), modulation=Lora(sf=sf), fraction_ticks=0.5))
    frame = host.fetch()
    pairs = frame[9 + 20 + 12]
    assert pairs > 0
    assert frame[9 + 20] & 0x10
    assert mean_of_cumulated(frame[9 + 20 + 13 : -1], sf) == 0.5


@pytest.mark.parametrize(
    ("model", "register", "crc"),
    [(MODEL_SX1302, 0x08, Crc.OK), (MODEL_SX1303, 0x07, Crc.OK), (MODEL_SX1303, 0x08, Crc.ABSENT)],
)
def test_there_are_none_without_the_chip_the_switch_and_a_crc(model: int, register: int, crc: Crc) -> None:
    chip, host = precise(model)
    host.write(0x58B3, register)
    chip.inject(replace(EVENT, crc=crc))
    frame = host.fetch()
    assert (len(frame), frame[9 + 7] & 0x10, frame[-2]) == (30, 0, 0)


def test_the_precise_stamp_is_taken_at_the_end_of_the_header() -> None:
    chip, host = precise(MODEL_SX1303)
    ends = chip.now_ticks() + 32_000_000
    chip.inject(replace(EVENT, ends_at_ticks=ends))
    chip.delay_ns(2_000_000_000)
    stamp = int.from_bytes(host.fetch()[22:26], "little")
    assert ends - stamp == (15 * 1024 - 19) * 32, "15 payload symbols of 1024 us, less the filter's 19 us"
