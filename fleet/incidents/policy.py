"""How a ticket that nobody acknowledges climbs: who is told, in which order, how often; pure.

    round 0   at once                level 1
    round 1   after the first wait   level 2
    then      after the second       everybody on call, again and again until someone acknowledges

Waits and rounds are the section ``escalation`` of fleet.json (10 min, 10 min, every 20 min, 12 rounds).
Acknowledging stops it; no proof of progress (``fleet.tickets.duties``) un-acknowledges and starts again.

Sources: DESIGN §7; peers (GoAlert: steps and repeats of a policy; Grafana OnCall: un-acknowledgement).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.durations import MINUTE_US, SECOND_US
from fleet.oncall.model import OnCallNow

WAIT_MIN, WAIT_MAX = 1, 240
"""Minutes; four hours are the whole of the intervention clock."""
STEPS_LIMIT = 9
ROUNDS_MAX = 100
SUSPECTED_MAX = 1_440
"""Minutes; a change that ran for a day is what the gateway is."""

GROUP_WAIT_US = 10 * SECOND_US
"""How long an incident must not grow before the first message goes: losses of one cause confirm within a
heartbeat interval of each other."""

GROUP_WAIT_LIMIT_US = 25 * SECOND_US
"""However much it still grows: DESIGN §7 asks for the page within 30 s of the confirmation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationPolicy:
    """Steps of one level each, then everybody on call again and again.

    Raises:
        ValueError: a wait or a count outside its bounds; names the field.
    """

    step_waits_min: tuple[int, ...] = (10, 10)
    """After each level that is told alone, the lowest first: minutes until the next step."""
    repeat_wait_min: int = 20
    """Between two messages to everybody on call."""
    rounds: int = 12
    """Messages about one silence, all in all: with the defaults three and a half hours."""
    change_suspected_min: int = 75
    """How long a change of ours is the first suspect of a loss: minutes since it went out or was permitted.
    The default is how long a rollout waits for a version to settle; 0: never."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.step_waits_min) <= STEPS_LIMIT:
            raise ValueError(f"escalation.step_waits_min: 1 to {STEPS_LIMIT} steps")
        for name, wait in (
            *(("step_waits_min", wait) for wait in self.step_waits_min),
            ("repeat_wait_min", self.repeat_wait_min),
        ):
            if not WAIT_MIN <= wait <= WAIT_MAX:
                raise ValueError(f"escalation.{name}: {wait} is not within {WAIT_MIN} and {WAIT_MAX} minutes")
        if not len(self.step_waits_min) <= self.rounds <= ROUNDS_MAX:
            raise ValueError(f"escalation.rounds: from the number of steps to {ROUNDS_MAX}")
        if not 0 <= self.change_suspected_min <= SUSPECTED_MAX:
            raise ValueError(f"escalation.change_suspected_min: 0 to {SUSPECTED_MAX} minutes")


DEFAULT_POLICY = EscalationPolicy()


def first_page_at_us(opened_us: int, grown_us: int) -> int:
    """Return when the first message about an incident goes out.

    >>> first_page_at_us(0, 0) // SECOND_US, first_page_at_us(0, 14 * SECOND_US) // SECOND_US
    (10, 24)
    >>> first_page_at_us(0, 20 * SECOND_US) // SECOND_US
    25
    """
    return min(grown_us + GROUP_WAIT_US, opened_us + GROUP_WAIT_LIMIT_US)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One round: who, and when the next one comes."""

    people: tuple[OnCallNow, ...]
    next_in_us: int | None


def step(
    round_number: int, on_call: tuple[OnCallNow, ...], policy: EscalationPolicy = DEFAULT_POLICY
) -> Step:
    """Return whom to tell in this round.

    A level with nobody falls through to the next: a gap in the plan must not cost ten minutes.
    """
    levels = sorted({one.duty.level for one in on_call})
    last = round_number + 1 >= policy.rounds
    if round_number < min(len(policy.step_waits_min), len(levels)):
        people = _each_once(one for one in on_call if one.duty.level == levels[round_number])
        wait_us = policy.step_waits_min[round_number] * MINUTE_US
    else:
        people, wait_us = _each_once(on_call), policy.repeat_wait_min * MINUTE_US
    return Step(people=people, next_in_us=None if last else wait_us)


def _each_once(on_call: Iterable[OnCallNow]) -> tuple[OnCallNow, ...]:
    """Somebody who is on two levels, or twice on one, gets one message."""
    return tuple({one.person.id: one for one in on_call}.values())
