"""How often the concentrator is asked for frames, pure: rarely when it is quiet, closely in traffic.

    quiet   nothing heard for 5 s               every 27 ms   37 wake-ups a second, a frame waits 13 ms (mean)
    alert   a frame within the last 5 s         every 12 ms   6 ms; traffic of 2 frames/s stays here
    steady  the last 16 frames took 0.5 to 2 s  every 25 ms   12 ms; 20 frames/s: fewer looks fetch more each
    busy    20 frames within the last 0.5 s,    every 3 ms    1.5 ms
            or 60 within the last 2 s

Frames come at random: at 20/s half a second seldom holds 20, at 50/s it does as soon as the traffic begins,
and two seconds tell the two apart for good.  Traffic that has just begun is not steady yet: its first frames,
which may be those of 50/s, wait as alert ones do.

Sources: DESIGN §11 for the bounds (idle 50 wake-ups and 100 bus transactions a second, 2 % of a core; at
2 frames/s a median of 12 ms and 4 % of a core; at 50 frames/s 99 of 100 within 15 ms, from the first on);
3 % of a core at 20 frames/s, where each look is 0.2 ms of processor and a frame the rest; ``passerelle bench
agent`` for what each interval costs.
"""

from collections import deque

IDLE_INTERVAL_US = 27_000
ALERT_INTERVAL_US = 12_000
ALERT_WINDOW_US = 5_000_000
"""Ten times the distance of frames at 2/s: a gap in such traffic does not end it."""
STEADY_INTERVAL_US = 25_000
STEADY_FRAMES = 16
BUSY_INTERVAL_US = 3_000
SHORT_WINDOW_US = 500_000
LONG_WINDOW_US = 2_000_000
BUSY_WINDOWS = ((20, SHORT_WINDOW_US), (60, LONG_WINDOW_US))
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
        recent = self._recent
        if not recent or now_us - recent[-1] > ALERT_WINDOW_US:
            return IDLE_INTERVAL_US
        for frames, window_us in BUSY_WINDOWS:
            if len(recent) >= frames and now_us - recent[-frames] <= window_us:
                return BUSY_INTERVAL_US
        if len(recent) < STEADY_FRAMES:
            return ALERT_INTERVAL_US
        steady = SHORT_WINDOW_US <= now_us - recent[-STEADY_FRAMES] <= LONG_WINDOW_US
        return STEADY_INTERVAL_US if steady else ALERT_INTERVAL_US
