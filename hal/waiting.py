"""Waits with an end: every wait on the chip goes through here and names itself when it fails.

Sources: FACTS §14 (the reference waits for the microcontrollers without a time-out).
"""

from collections.abc import Callable
from typing import TypeVar

from hal.errors import ChipMisbehaved
from hal.ports import HalClock

Answer = TypeVar("Answer")
POLL_INTERVAL_US = 1000


def wait_for(
    read: Callable[[], Answer],
    accept: Callable[[Answer], bool],
    *,
    clock: HalClock,
    limit_us: int,
    where: str,
) -> Answer:
    """Return the first answer that is accepted; asks at once, then every millisecond.

    The number of questions is bounded too, so that a clock that stands still cannot hang us.

    Raises:
        ChipMisbehaved: none was accepted within ``limit_us``; the text shows the last answer.
    """
    end_us = clock.monotonic_us() + limit_us
    for _ in range(limit_us // POLL_INTERVAL_US + 1):
        answer = read()
        if accept(answer):
            return answer
        if clock.monotonic_us() >= end_us:
            break
        clock.sleep(POLL_INTERVAL_US / 1e6)
    shown = answer.hex() if isinstance(answer, bytes) else f"{answer!r}"
    raise ChipMisbehaved(f"no answer within {limit_us // 1000} ms (last: {shown})", where=where)
