"""A bus that flips bits: frames may be lost, but only counted, and the driver goes on."""

from collections import Counter

import pytest

from hal.errors import HalError
from tests.unit.hal.sx1302.rigs import started
from tests.unit.hal.sx1302.test_driver import raw


@pytest.mark.parametrize("every_bytes", [50, 500])
def test_bit_errors_cost_frames_and_nothing_else(every_bytes: int) -> None:
    made = started()
    made.chip.faults.spi_bit_error_every_bytes = every_bytes
    errors: Counter[str] = Counter()
    got = sent = 0
    for index in range(150):
        sent += made.chip.inject_fifo(raw(made, channel=index % 8))
        made.clock.sleep(0.02)
        try:
            got += len(made.driver.receive())
        except HalError as error:
            errors[type(error).__name__] += 1
    made.chip.faults.spi_bit_error_every_bytes = 0
    made.clock.sleep(1)
    made.driver.receive()
    made.chip.inject_fifo(raw(made))

    (frame,) = made.driver.receive()

    assert frame.crc == "ok"
    assert 0 < got <= sent
    assert abs(made.driver.counter_us() - made.chip.now_ticks() // 32) < 100
    assert sum(errors.values()) < 10
