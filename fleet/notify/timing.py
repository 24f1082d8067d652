"""When a message goes: quiet hours and throttles of the channels that wake people, retries of all; pure.

CRITICAL ignores quiet hours.  Others wait for the morning, but not past ``NEEDED_US`` before their deadline:
the four hours run day and night for every criticality, so the promise outranks the sleep.

Sources: DESIGN §7 (page out within 30 s, failures visible); throttles after
GoAlert's ``engine/message/ratelimit.go`` (5 SMS in 15 min, 11 in 1 h).
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta

from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
from fleet.lang.paris import PARIS, instant_us, paris

QUIET_FROM = time(22, 0)
QUIET_UNTIL = time(7, 0)
NEEDED_US = 2 * HOUR_US
"""What remains of the four hours when somebody is woken at the latest: to dress, drive and arrive."""

THROTTLES = ((5, 15 * MINUTE_US), (11, HOUR_US))
"""So many waking messages to one person within so long; the next one waits, and is bundled with others."""


def quiet_until_us(now_us: int) -> int | None:
    """Return when the present quiet hours (of Paris) end; None outside them."""
    there = paris(now_us)
    if QUIET_UNTIL <= there.time() < QUIET_FROM:
        return None
    day = there.date() + (timedelta(days=1) if there.time() >= QUIET_FROM else timedelta())
    return instant_us(datetime.combine(day, QUIET_UNTIL, PARIS))


def wake_at_us(*, critical: bool, on_site_due_us: int | None, now_us: int) -> int:
    """Return when somebody may be woken for it: now, or later."""
    quiet_us = quiet_until_us(now_us)
    if quiet_us is None or critical:
        return now_us
    if on_site_due_us is None:
        return quiet_us
    return max(now_us, min(quiet_us, on_site_due_us - NEEDED_US))


def throttled_until_us(sent_us: Sequence[int], now_us: int) -> int:
    """Return when the next waking message may go to somebody who got these; ``now_us`` if at once.

    >>> throttled_until_us([0, 1, 2, 3, 4], 10), throttled_until_us([0, 1, 2, 3], 10)
    (900000000, 10)
    """
    at_us = now_us
    for limit, window_us in THROTTLES:
        recent = sorted(sent for sent in sent_us if sent > now_us - window_us)
        if len(recent) >= limit:
            at_us = max(at_us, recent[-limit] + window_us)
    return at_us


FIRST_WAIT_US = 5 * SECOND_US
LONGEST_WAIT_US = 10 * 60 * SECOND_US
ATTEMPTS_LIMIT = 12
"""5 s, 10 s, … 10 min: about an hour in all; after that it is *failed*, seen on the ticket and escalated."""

LIFE_US = 48 * 3600 * SECOND_US
"""A message without any outcome for so long is given up: the longest clock it may speak of is over.  Workers
that are killed while they send do not count as attempts: they said nothing about the message."""


def next_attempt_us(attempts: int, now_us: int, *, patient: bool = False) -> int | None:
    """Return when to try again after so many attempts; None: give up, which a patient sender never does.

    >>> next_attempt_us(1, 0), next_attempt_us(3, 0), next_attempt_us(12, 0)
    (5000000, 20000000, None)
    >>> next_attempt_us(5000, 0, patient=True)
    600000000
    """
    if attempts >= ATTEMPTS_LIMIT and not patient:
        return None
    return now_us + min(FIRST_WAIT_US << min(attempts - 1, ATTEMPTS_LIMIT), LONGEST_WAIT_US)
