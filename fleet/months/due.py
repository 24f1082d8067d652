"""Which month is to be closed now, the first time or again; pure.

Version 1 is due on the 4th at 08:00 in Paris.  A closed month is looked at again when facts about it were
recorded since the last look, and once a day for ``WATCH_US`` whatever we know: a fact whose own instant is
wrong tells no month.  Looking makes a version only if a figure changed (``closing``).
Sources: AVAILABILITY §8.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.durations import DAY_US, HOUR_US
from fleet.facts.months import closes_at_us, months_between

MONTHS_LIMIT = 24
"""The newest months that close by themselves; older ones by `passerelle fleet month close`."""
AGAIN_US = HOUR_US
"""Between two looks at one closed month, so that late facts that trickle in are taken together."""
DAILY_US = DAY_US
WATCH_US = 31 * DAILY_US
"""How long after its closing hour a month is looked at every day: a whole month of spooled evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one month stands."""

    month: str
    closed: bool
    looked_at_us: int | None
    """When closing it was last tried to the end; None: never."""
    late: bool
    """Facts about it were recorded since then."""


def closable(first_at_us: int | None, now_us: int) -> tuple[str, ...]:
    """Return the months that may be closed, oldest first; ``first_at_us``: our first evidence."""
    if first_at_us is None or first_at_us > now_us:
        return ()
    months = months_between(first_at_us, now_us)
    return tuple(month for month in months if closes_at_us(month) <= now_us)[-MONTHS_LIMIT:]


def due(standings: Iterable[Standing], now_us: int) -> str | None:
    """Return the month to close now: open ones first, the oldest of them; None: nothing to do."""
    known = sorted(standings, key=lambda one: (one.closed, one.looked_at_us or 0, one.month))
    return next((one.month for one in known if _is_due(one, now_us)), None)


def _is_due(one: Standing, now_us: int) -> bool:
    if now_us < closes_at_us(one.month):
        return False
    if not one.closed or one.looked_at_us is None:
        return True
    since_us = now_us - one.looked_at_us
    watched = now_us < closes_at_us(one.month) + WATCH_US
    return (one.late and since_us >= AGAIN_US) or (watched and since_us >= DAILY_US)
