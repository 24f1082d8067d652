"""The dead-man process on another host: silence of the manager for 3 minutes pages by its own SMS path.

    passerelle fleet watchman --url https://passerelle.example/healthz --state /var/lib/watchman.json

It knows nothing of the fleet but one address, has no database, and its way out (a modem or another SMS
provider) is not the manager's.  A manager that computes and can send nothing is as bad as a silent one, so it
says how long its messages have been stuck.  Once a day a test page goes out, so that a chain that broke is
noticed before it is needed.  ``find`` and ``step`` are pure; the loop only asks and sends.

Sources: DESIGN §7 (3 min; daily test page).
"""

from dataclasses import dataclass, replace
from datetime import time
from enum import StrEnum

from fleet.durations import MINUTE_US
from fleet.lang.paris import paris

SILENCE_LIMIT_US = 3 * MINUTE_US
REPEAT_US = 30 * MINUTE_US
"""Between pages while it lasts."""

STUCK_LIMIT_US = 5 * MINUTE_US
"""How long messages may be tried in vain before the manager counts as unable to call anybody."""

CRASHES_LIMIT = 3
"""Ends within an hour that nobody asked for; then it cannot be relied on, though it answers in between."""

ASK_EVERY_US = 20_000_000
TEST_AT = time(10, 0)
"""Paris: in office hours, so that a missing test page is asked about."""


class Finding(StrEnum):
    """What an answer of the manager proves."""

    ALIVE = "alive"
    SILENT = "silent"
    STUCK = "stuck"
    RESTARTING = "restarting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the watchman remembers; it survives its restarts."""

    alive_at_us: int
    """The last proof that the manager's cycle runs and its messages leave."""
    paged_at_us: int | None = None
    tested_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A message to send, by its key in the catalogue."""

    key: str
    since_us: int


def find(
    *, answered: bool, cycle_age_us: int | None, stuck_for_us: int | None, crashes_1h: int | None = None
) -> Finding:
    """Return what an answer proves: it answers, its cycle runs, what it writes leaves, and it does not end.

    The manager's own clock tells how long ago its newest cycle was, and how long messages are stuck: the two
    hosts need not agree about UTC.
    """
    if crashes_1h is not None and crashes_1h >= CRASHES_LIMIT:
        return Finding.RESTARTING
    if not answered or cycle_age_us is None or not 0 <= cycle_age_us < MINUTE_US:
        return Finding.SILENT
    if stuck_for_us is not None and stuck_for_us >= STUCK_LIMIT_US:
        return Finding.STUCK
    return Finding.ALIVE


def moved(watch: Watch, by_us: int, now_us: int) -> Watch:
    """Return what is remembered after this host's clock stepped by ``by_us`` to ``now_us``.

    What is remembered of before is never later than now: a clock that went back hides no silence.
    """
    paged_us = watch.paged_at_us
    return replace(
        watch,
        alive_at_us=min(watch.alive_at_us + by_us, now_us),
        paged_at_us=None if paged_us is None else min(paged_us + by_us, now_us),
    )


def step(watch: Watch, finding: Finding, now_us: int) -> tuple[Watch, tuple[Page, ...]]:
    """Return what to remember and what to send.

    no proof ≥ 3 min, not paged or 30 min ago   page « silent », « stuck », « restarting »
    proof, and paged                            page « back »
    10:00 of a new day, and proof               page « test »
    """
    pages: list[Page] = []
    if finding is Finding.ALIVE:
        if watch.paged_at_us is not None:
            pages.append(Page(key="watchman.back", since_us=watch.alive_at_us))
        watch = replace(watch, alive_at_us=now_us, paged_at_us=None)
        today = paris(now_us).date().isoformat()
        if paris(now_us).time() >= TEST_AT and watch.tested_on != today:
            pages.append(Page(key="watchman.test", since_us=now_us))
            watch = replace(watch, tested_on=today)
    elif now_us - watch.alive_at_us >= SILENCE_LIMIT_US and (
        watch.paged_at_us is None or now_us - watch.paged_at_us >= REPEAT_US
    ):
        pages.append(Page(key=f"watchman.{finding}", since_us=watch.alive_at_us))
        watch = replace(watch, paged_at_us=now_us)
    return watch, tuple(pages)
