"""How often the concentrator is asked for frames, pure: rarely when it is quiet, closely in traffic.

    quiet   nothing heard for 5 s               every 27 ms   37 wake-ups a second, a frame waits 13 ms (mean)
    alert   a frame within the last 5 s         every 16 ms   8 ms; traffic of 2 frames/s stays here
    steady  4 frames within the last 0.5 s      every 22 ms   11 ms; 20 frames/s: fewer looks fetch more each
    busy    16 frames within the last 0.5 s     every 3 ms    1.5 ms

Sources: DESIGN §11 for the bounds (idle 50 wake-ups and 100 bus transactions a second, 2 % of a core; at
2 frames/s a median of 12 ms and 4 % of a core; at 20 frames/s 3 % of a core, where each look at an empty FIFO
is 0.1 ms of processor); ``passerelle bench agent`` for what each interval costs.
"""

from collections import deque

IDLE_INTERVAL_US = 27_000
ALERT_INTERVAL_US = 16_000
ALERT_WINDOW_US = 5_000_000
"""Ten times the distance of frames at 2/s: a gap in such traffic does not end it."""
STEADY_INTERVAL_US = 22_000
STEADY_FRAMES = 4
BUSY_INTERVAL_US = 3_000
BUSY_FRAMES = 16
"""So many frames within ``BUSY_WINDOW_US`` make traffic, which the FIFO must not wait for."""
BUSY_WINDOW_US = 500_000


class Pace:
    """Knows the recent receptions."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=BUSY_FRAMES)

    def frames_received(self, frames: int, now_us: int) -> None:
        """Take in that frames arrived, whatever their CRC."""
        for _ in range(min(frames, BUSY_FRAMES)):
            self._recent.append(now_us)

    def interval_us(self, now_us: int) -> int:
        """Return how long to wait before asking again."""
        if not self._recent or now_us - self._recent[-1] > ALERT_WINDOW_US:
            return IDLE_INTERVAL_US
        if self._within(BUSY_FRAMES, now_us):
            return BUSY_INTERVAL_US
        return STEADY_INTERVAL_US if self._within(STEADY_FRAMES, now_us) else ALERT_INTERVAL_US

    def _within(self, frames: int, now_us: int) -> bool:
        return len(self._recent) >= frames and now_us - self._recent[-frames] <= BUSY_WINDOW_US
