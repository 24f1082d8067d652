"""GPS seconds of the virtual receiver against the PPS latches of the virtual chip."""

from datetime import UTC, datetime, timedelta

import pytest

from hal.gnss.clock import GnssClock
from hal.gnss.receiver import Receiver
from tests.unit.hal.gnss.test_gnss import TwinLine
from tests.unit.hal.sx1302.rigs import started

BEGIN = datetime(2026, 11, 22, 15, 0, 0, tzinfo=UTC)


def test_a_counter_value_becomes_utc() -> None:
    made = started()
    line = TwinLine()
    clock = GnssClock(Receiver(line), made.driver)
    line.write(b"")
    Receiver(line).start()
    edge_us = made.driver.counter_us() // 1_000_000 * 1_000_000
    for second in range(5):
        wanted = edge_us + second * 1_000_000 + 100_000
        made.clock.sleep(max(wanted - made.driver.counter_us(), 0) / 1e6)
        line.waiting += line.receiver.second(BEGIN + timedelta(seconds=second))
        for _ in range(4):
            clock.poll()

    latch = made.driver.trigger_counter_us()
    utc = clock.utc_at(latch)

    assert utc is not None
    assert abs(utc - (BEGIN + timedelta(seconds=4)).timestamp() * 1e6) <= 1
    assert clock.counts["aberrant"] == 0
    assert clock.base is not None
    assert clock.base.crystal_ppm == pytest.approx(0, abs=2)


def test_without_a_receiver_there_is_no_utc() -> None:
    made = started()
    clock = GnssClock(Receiver(TwinLine()), made.driver)

    assert clock.poll() is None
    assert clock.utc_at(made.driver.counter_us()) is None
