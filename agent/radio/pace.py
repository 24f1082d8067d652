"""How often the concentrator is asked for frames, pure: rarely when it is quiet, closely in traffic.

At 20 ms an isolated frame waits 10 ms on average and an idle gateway wakes 50 times a second; at 3 ms a frame
waits 1.5 ms.
"""

from collections import deque

IDLE_INTERVAL_US = 20_000
BUSY_INTERVAL_US = 3_000
BUSY_FRAMES = 8
"""So many frames within ``BUSY_WINDOW_US`` make traffic."""
BUSY_WINDOW_US = 500_000


class Pace:
    """Knows the recent receptions."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=BUSY_FRAMES)

    def heard(self, frames: int, now_us: int) -> None:
        """Take in that frames arrived."""
        for _ in range(min(frames, BUSY_FRAMES)):
            self._recent.append(now_us)

    def interval_us(self, now_us: int) -> int:
        """Return how long to wait before asking again."""
        busy = len(self._recent) == BUSY_FRAMES and now_us - self._recent[0] <= BUSY_WINDOW_US
        return BUSY_INTERVAL_US if busy else IDLE_INTERVAL_US
