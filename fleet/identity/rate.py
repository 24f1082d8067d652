"""How often somebody may ask: a bucket per key that fills again evenly; pure but for its memory.

Source: the generic cell rate algorithm (ITU-T I.371): one instant per key says everything.
"""

import threading

from fleet.durations import MINUTE_US
from fleet.identity.attempts import Attempts

KEYS_LIMIT = 10_000
"""Keys remembered; the one that tried longest ago goes."""


class Limiter:
    """``tries`` at once, then one every ``per_us / tries``."""

    def __init__(self, tries: int, per_us: int, keys: int = KEYS_LIMIT) -> None:
        self._step_us = per_us // tries
        self._span_us = per_us
        self._keys = keys
        self._full_at_us: dict[str, int] = {}
        self._lock = threading.Lock()
        self.refused = 0

    def wait_us(self, key: str, monotonic_us: int) -> int:
        """Return how long ``key`` must wait before it may try; 0: now."""
        with self._lock:
            ready_us = self._full_at_us.get(key, 0) + self._step_us - self._span_us - monotonic_us
            if ready_us > 0:
                self.refused += 1
        return max(0, ready_us)

    def tried(self, key: str, monotonic_us: int) -> None:
        """Count one try of ``key``."""
        with self._lock:
            full_at_us = max(self._full_at_us.pop(key, 0), monotonic_us) + self._step_us
            self._full_at_us[key] = full_at_us
            while len(self._full_at_us) > self._keys:
                del self._full_at_us[next(iter(self._full_at_us))]


class Limits:
    """The limits of one process."""

    def __init__(self) -> None:
        self.logins = Attempts()
        self.enrolment = Limiter(60, MINUTE_US)
        """Enrolments and renewals from one address; an installer's bench makes some ten a minute."""
