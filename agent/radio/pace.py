"""How often the concentrator is asked for frames, pure: rarely when it is quiet, closely in traffic.

    quiet   nothing heard for 5 s               every 27 ms   37 wake-ups a second, a frame waits 13 ms (mean)
    alert   a frame within the last 5 s         every 14 ms   7 ms; traffic of 2 frames/s stays here
    steady  4 frames within the last 0.5 s      every 22 ms   11 ms; 20 frames/s: fewer looks fetch more each
    busy    16 frames within the last 0.5 s,    every 3 ms    1.5 ms
            or 60 within the last 2 s

Two spans, because frames come at random: at 50/s every thirtieth half second has fewer than 16, and each such
gap would let frames wait as at 20/s; two seconds tell the two apart, half a second finds the traffic soon.

Sources: DESIGN §11 for the bounds (idle 50 wake-ups and 100 bus transactions a second, 2 % of a core; at
2 frames/s a median of 12 ms and 4 % of a core; at 20 frames/s 3 % of a core, where each look at an empty FIFO
is 0.1 ms of processor); ``passerelle bench agent`` for what each interval costs.
"""

from collections import deque

IDLE_INTERVAL_US = 27_000
ALERT_INTERVAL_US = 14_000
ALERT_WINDOW_US = 5_000_000
"""Ten times the distance of frames at 2/s: a gap in such traffic does not end it."""
STEADY_INTERVAL_US = 22_000
STEADY_FRAMES = 4
BUSY_INTERVAL_US = 3_000
SHORT_WINDOW_US = 500_000
LONG_WINDOW_US = 2_000_000
BUSY_WINDOWS = ((16, SHORT_WINDOW_US), (60, LONG_WINDOW_US))
"""So many frames within so long make traffic, which the FIFO must not wait for: 30/s and more."""
REMEMBERED_FRAMES = max(frames for frames, _ in BUSY_WINDOWS)


class Pace:
    """Knows the recent receptions."""

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=REMEMBERED_FRAMES)

    def frames_received(self, frames: int, now_us: int) -> None:
        """Take in that frames arrived, whatever their CRC."""
        for _ in range(min(frames, REMEMBERED_FRAMES)):
            self._recent.append(now_us)

    def interval_us(self, now_us: int) -> int:
        """Return how long to wait before asking again."""
        if not self._recent or now_us - self._recent[-1] > ALERT_WINDOW_US:
            return IDLE_INTERVAL_US
        if any(self._within(frames, window_us, now_us) for frames, window_us in BUSY_WINDOWS):
            return BUSY_INTERVAL_US
        steady = self._within(STEADY_FRAMES, SHORT_WINDOW_US, now_us)
        return STEADY_INTERVAL_US if steady else ALERT_INTERVAL_US

    def _within(self, frames: int, window_us: int, now_us: int) -> bool:
        return len(self._recent) >= frames and now_us - self._recent[-frames] <= window_us
