"""The newest log lines in memory, for ``log_excerpt`` and ``agent report``."""

from collections import deque
from collections.abc import MutableMapping
from typing import Any

LINES_LIMIT = 500
LINE_CHARACTERS = 400


class RecentLog:
    """A structlog processor that remembers what passes."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES_LIMIT)

    def __call__(self, _: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields = " ".join(f"{key}={value}" for key, value in event.items() if key != "event")
        self._lines.append(f"{method} {event.get('event', '')} {fields}"[:LINE_CHARACTERS])
        return event

    def newest(self, count: int) -> list[str]:
        """Return up to ``count`` lines, oldest first."""
        return list(self._lines)[-count:]


RECENT = RecentLog()
"""Of this process."""
