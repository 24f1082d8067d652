"""When to try a message again; pure.

Sources: DESIGN §7 (page out within 30 s, failures visible).
"""

from fleet.durations import SECOND_US

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
