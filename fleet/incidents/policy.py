"""How a ticket that nobody acknowledges climbs: the section ``escalation`` of fleet.json.

Sources: DESIGN §7; peers (GoAlert: steps and repeats of a policy).
"""

from dataclasses import dataclass

WAIT_MIN, WAIT_MAX = 1, 240
"""Minutes; four hours are the whole of the intervention clock."""
STEPS_LIMIT = 9
ROUNDS_MAX = 100


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


DEFAULT_POLICY = EscalationPolicy()
