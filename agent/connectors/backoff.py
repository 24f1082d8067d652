"""How long to wait before connecting again, pure: 1,615 gateways never come back in one second.

Without a way to the server (no route, no name, no answer) it is our own link that is cut: attempts go on
about twice a second, so that frames leave at once when it returns.  When the server refused or closed, the
first attempt is somewhere in the first 20 s; after that waits grow and are spread.
"""

from dataclasses import dataclass

LINK_US = 500_000
"""While our own link is cut, an attempt is made so often, ± a fifth."""
SPREAD_US = 20_000_000
FIRST_US = 5_000_000
LIMIT_US = 60_000_000
STEADY_US = 60_000_000
"""A session that lasted this long starts the waits anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Refusals in a row."""

    refusals: int = 0


def wait_us(backoff: Backoff, *, refused: bool, lasted_us: int, uniform: float) -> tuple[Backoff, int]:
    """Return (backoff, microseconds to wait); ``uniform`` is a random number in 0..1.

    ``refused`` tells a server that would not have us from a link that leads nowhere.
    """
    if not refused:
        return backoff, int(LINK_US * (0.8 + 0.4 * uniform))
    refusals = 0 if lasted_us >= STEADY_US else backoff.refusals
    if refusals == 0:
        return Backoff(refusals=1), int(SPREAD_US * uniform)
    longest = min(FIRST_US << min(refusals, 8), LIMIT_US)
    return Backoff(refusals=refusals + 1), int(longest * (0.5 + 0.5 * uniform))
