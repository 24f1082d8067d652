"""A gateway beyond its budget is not listened to until it is calm; pure.

    free ─ a message beyond a budget ─▶ quarantined ─ ``CALM_US`` without a message beyond ``CALM`` ─▶ free
                                                    ─ a person ends it ─────────────────────────────▶ free

Its messages are refused before they are decoded and only counted; the other gateways do not notice.  What it
was is shown as UNKNOWN meanwhile: we did not look (AVAILABILITY §4).  The journal is asked for afterwards.

A limit that is wrong would silence many at once.  So within an hour no more begin than ``QuarantineBound``
says; whoever goes beyond a budget then is *spared*: the message is refused, the gateway is listened to, and
the limit itself is suspected for as long as somebody was spared within the hour.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec

from fleet.durations import HOUR_US, MINUTE_US, SECOND_US
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


class QuarantineBound(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many quarantines may begin within an hour: a share of the gateways, or a number if that is more."""

    share_max_ppm: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 20_000
    """Millionths of the gateways in the registry."""
    least: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10
    """Gateways that may be quarantined however few there are."""

    def limit(self, registered: int) -> int:
        """Return how many may begin within an hour.

        >>> QuarantineBound().limit(11), QuarantineBound().limit(1615)
        (10, 32)
        """
        return max(self.least, registered * self.share_max_ppm // 1_000_000)


DEFAULT_BOUND = QuarantineBound()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spared:
    """One gateway that went beyond a budget and is listened to, because too many did."""

    since_us: int
    newest_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentQuarantines:
    """The quarantines of the last hour, and who was spared."""

    begun_at_us: tuple[int, ...] = ()
    """At most as many as may begin within an hour."""
    spared: Mapping[str, Spared] = field(default_factory=dict)
    """By EUI; at most as many as there are gateways."""

    def admits(self, limit: int, now_us: int) -> bool:
        """Return whether one more may begin."""
        return sum(at_us > now_us - HOUR_US for at_us in self.begun_at_us) < limit

    def with_begin(self, now_us: int) -> "RecentQuarantines":
        """Return the record with one more."""
        recent = tuple(at_us for at_us in self.begun_at_us if at_us > now_us - HOUR_US)
        return replace(self, begun_at_us=(*recent, now_us))

    def with_spared(self, eui: str, now_us: int) -> "RecentQuarantines":
        """Return the record with a gateway that is spared."""
        known = self.spared.get(eui)
        since_us = now_us if known is None or known.newest_us <= now_us - HOUR_US else known.since_us
        return replace(self, spared={**self.spared, eui: Spared(since_us=since_us, newest_us=now_us)})

    def suspects(self, now_us: int) -> Mapping[str, int]:
        """Return who was spared within the hour, with since when."""
        return {eui: one.since_us for eui, one in self.spared.items() if one.newest_us > now_us - HOUR_US}


NO_QUARANTINES = RecentQuarantines()
