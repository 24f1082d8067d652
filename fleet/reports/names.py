"""What people call things, and what else belongs to a month beside its figures; values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from fleet.reports.terms import Terms

NETWORK = "Réseau LoRa Val de Loire"


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSpan:
    """A ticket, and from when to when it was about one gateway."""

    number: int
    since_us: int
    until_us: int | None
    """None: the gateway is not restored yet."""
    action: str = ""
    """What was done, as the field report says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthShare:
    """One month of the trend, as its newest version says."""

    month: str
    version: str
    """« version 2 », « provisoire »."""
    share: Fraction | None
    below: int
    """Communes that missed their promise."""
    covered: int
    held: bool | str | None
    """Whether the promises were held for this reader; None: nothing counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What people call things, and what else belongs to a month."""

    gateways: Mapping[str, str] = field(default_factory=dict)
    tickets: Mapping[str, tuple[TicketSpan, ...]] = field(default_factory=dict)
    """Tickets by EUI of the gateway they are about."""
    departements: Mapping[str, str] = field(default_factory=dict)
    """Names by code."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Kind of the contractual connector at the month's end, by EUI."""
    network: str = NETWORK
    version: str = ""
    """« version 2 »; empty while the month is open."""
    digest: str = ""
    """The hash that the version was closed with; empty: computed."""
    stamp: str = ""
    """What proves the version's seal to others, in a sentence; empty: nothing."""
    closed_at_us: int | None = None
    address: str = ""
    """Where our pages are, such as https://passerelle.example.fr; empty: not told."""
    terms: Terms = field(default_factory=Terms)
    trend: Sequence[MonthShare] = ()
    """Closed months before this one, oldest first."""
    difference: Mapping[str, Any] = field(default_factory=dict)
    """What changed since the version before (``fleet.months.closing.difference``); empty: the first."""
