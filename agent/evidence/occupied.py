"""Downlinks that listen before talk forbade, for the journal: one note at once, then one in ten minutes."""

NOTE_INTERVAL_US = 600_000_000
"""A channel that is occupied all day makes 144 notes, not thousands."""


class OccupiedChannels:
    """Counts them by frequency."""

    def __init__(self) -> None:
        self._blocked: dict[int, int] = {}
        self._due_us = 0

    def blocked(self, frequency_hz: int) -> None:
        """Take in that a downlink found its channel occupied; the channels are those of the configuration."""
        self._blocked[frequency_hz] = self._blocked.get(frequency_hz, 0) + 1

    def due(self, now_us: int) -> dict[str, str | int | float]:
        """Return how many downlinks were blocked on each frequency; empty while nothing is to be noted.

        >>> channels = OccupiedChannels()
        >>> channels.blocked(868_100_000)
        >>> channels.due(5), channels.due(6)
        ({'868100000': 1}, {})
        """
        if not self._blocked or now_us < self._due_us:
            return {}
        self._due_us = now_us + NOTE_INTERVAL_US
        taken, self._blocked = self._blocked, {}
        return {str(frequency_hz): count for frequency_hz, count in sorted(taken.items())}
