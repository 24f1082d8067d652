"""How often this manager ended without being asked to: a crash loop is a fact that others see.

A process that stops in good order says so; the next that finds no such mark notes a crash.  The newest
``CRASHES_KEPT`` are kept as marks (``fleet.evidence.tables.marks``).
"""

from sqlalchemy import Connection, func, select

from fleet.durations import HOUR_US
from fleet.evidence.facts import LAST_CYCLE, mark, marked
from fleet.evidence.tables import blindness, marks

CRASHES_KEPT = 20
LOOP_CRASHES, LOOP_US = 3, HOUR_US
"""So many within so long are a loop: `/healthz` answers 503, and the watchman pages."""
STOPPED = "stopped"
_CRASH = "crash/"


def note_start(connection: Connection, now_us: int) -> bool:
    """Note a crash if the process before did not stop in good order; return whether it did not."""
    cycle_us, stopped_us = marked(connection, LAST_CYCLE), marked(connection, STOPPED)
    if cycle_us is None or (stopped_us is not None and stopped_us >= cycle_us):
        return False
    noted = {
        row.name: row.at_us
        for row in connection.execute(select(marks).where(marks.c.name.startswith(_CRASH, autoescape=True)))
    }
    free = (name for number in range(CRASHES_KEPT) if (name := f"{_CRASH}{number}") not in noted)
    mark(connection, next(free, None) or min(noted, key=lambda name: noted[name]), now_us)
    return True


def note_stop(connection: Connection, now_us: int) -> None:
    """Note that this process stops in good order."""
    mark(connection, STOPPED, now_us)


def crashes_since(connection: Connection, from_us: int) -> int:
    """Return how many crashes were noted since then."""
    mine = marks.c.name.startswith(_CRASH, autoescape=True) & (marks.c.at_us >= from_us)
    return connection.scalar(select(func.count()).select_from(marks).where(mine)) or 0


def blind_us(connection: Connection, from_us: int, now_us: int) -> int:
    """Return how long we did not see between two instants, by whatever path."""
    ends = func.coalesce(blindness.c.until_at_us, now_us)
    query = select(blindness.c.from_at_us, ends).where(ends > from_us, blindness.c.from_at_us < now_us)
    total = reached_us = 0
    for start_us, end_us in sorted(
        (max(start, from_us), min(end, now_us)) for start, end in connection.execute(query)
    ):
        total += max(0, end_us - max(start_us, reached_us))
        reached_us = max(reached_us, end_us)
    return total
