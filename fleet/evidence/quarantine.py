"""A gateway beyond its budget is not listened to until it is calm; pure.

    free ─ a message beyond a budget ─▶ quarantined ─ ``CALM_US`` without a message beyond ``CALM`` ─▶ free
                                                    ─ a person ends it ─────────────────────────────▶ free

Its messages are refused before they are decoded and only counted; the other gateways do not notice.  What it
was is shown as UNKNOWN meanwhile: we did not look (AVAILABILITY §4).  The journal is asked for afterwards.
"""

from dataclasses import dataclass, replace

from fleet.durations import MINUTE_US, SECOND_US
from fleet.evidence.allowance import MessageKind, Pace

CALM = Pace(60, 5 * SECOND_US)
"""Six times what a gateway says that only beats, every 30 s; the burst comes after a reconnection."""
CALM_US = 10 * MINUTE_US
"""Longer than any burst that a box sends when its line comes back (``agent.journal.store``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """One gateway that is not listened to."""

    since_us: int
    budget: MessageKind
    """What it said more of than a gateway can mean."""
    beyond_us: int
    """Its newest message that was not calm."""
    refused: int = 0
    """Messages since the beginning."""
    used_until_us: int = 0
    """What it used of ``CALM``; see ``fleet.evidence.allowance``."""
    number: int | None = None
    """Its row; None until the engine has written it."""

    @property
    def ends_us(self) -> int:
        """When it ends by itself if nothing more comes."""
        return self.beyond_us + CALM_US

    def after_message(self, now_us: int) -> "Quarantine":
        """Return the quarantine after one more message, which is refused."""
        until_us = max(self.used_until_us, now_us) + CALM.step_us
        if until_us - now_us > CALM.burst * CALM.step_us:
            return replace(self, refused=self.refused + 1, beyond_us=now_us)
        return replace(self, refused=self.refused + 1, used_until_us=until_us)


def begun(budget: MessageKind, now_us: int) -> Quarantine:
    """Return the quarantine that begins with a message beyond a budget, which is refused."""
    return Quarantine(since_us=now_us, budget=budget, beyond_us=now_us, refused=1)
