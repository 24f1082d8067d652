"""What a log may cost: ``admit`` is pure, ``LogLimit`` and ``LogStream`` are what structlog calls.

A full disk or a lost line says the same again with every try: 240 MB a day, on a disk that is full already.
So each event has a budget a minute; what goes beyond is counted, and the next line that is written says it.
A log on a full disk cannot be written: that ends neither a thread nor a process.
"""

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, TextIO, cast

MINUTE_US = 60_000_000
LINES_A_MINUTE = 6
"""One event that never stops writes 8,640 lines a day: 3 MB of 300 bytes each, 24 MB with tracebacks."""
EVENTS_LIMIT = 512
"""Events that are counted apart; beyond, the budgets of all begin anew."""


@dataclass(frozen=True, slots=True)
class LogBudget:
    """The lines of one event in the minute that began at ``began_us``."""

    began_us: int
    written: int = 0
    left_out: int = 0


def admit(
    budgets: Mapping[str, LogBudget], event: str, now_us: int
) -> tuple[dict[str, LogBudget], bool, int]:
    """Return the budgets after one line, whether it is written, and how many before it were not.

    >>> budgets, written, _ = admit({}, "disk_full", 0)
    >>> written, admit({"disk_full": LogBudget(0, LINES_A_MINUTE, 3)}, "disk_full", MINUTE_US)[1:]
    (True, (True, 3))
    """
    kept = dict(budgets) if event in budgets or len(budgets) < EVENTS_LIMIT else {}
    budget = kept.get(event, LogBudget(now_us))
    if now_us - budget.began_us >= MINUTE_US:
        kept[event] = LogBudget(now_us, written=1)
        return kept, True, budget.left_out
    if budget.written < LINES_A_MINUTE:
        kept[event] = replace(budget, written=budget.written + 1)
        return kept, True, 0
    kept[event] = replace(budget, left_out=budget.left_out + 1)
    return kept, False, 0


class LogLimit:
    """A structlog processor that leaves out what repeats; ``drop`` is structlog's ``DropEvent``.

    Threads that log at the same instant may write one line more than the budget; nothing else.
    """

    def __init__(self, monotonic_us: Callable[[], int], drop: type[BaseException]) -> None:
        self._monotonic_us = monotonic_us
        self._drop = drop
        self._budgets: dict[str, LogBudget] = {}

    def __call__(self, _: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        name = f"{level} {event.get('event', '')}"
        self._budgets, written, left_out = admit(self._budgets, name, self._monotonic_us())
        if not written:
            raise self._drop
        return {**event, "left_out": left_out} if left_out else event


class LogStream:
    """A stream to which a log is written where it can be; it raises nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.failed = 0
        """How many writes failed since the newest that did not."""

    def write(self, text: str) -> int:
        """Write and hand over, or count that it failed; the first line after that says how often."""
        said = f"event='log_unwritable' failed={self.failed}\n" if self.failed else ""
        try:
            self._stream.write(said + text)
            self._stream.flush()
        except OSError:
            self.failed += 1
        else:
            self.failed = 0
        return len(text)

    def flush(self) -> None:
        """Do nothing: ``write`` handed over."""


def never_failing(stream: TextIO) -> TextIO:
    """Return the stream for a logger, which asks it to write and to flush and nothing else."""
    return cast(TextIO, LogStream(stream))
