"""How full the air of one channel and SF is, and what it still carries: ALOHA with capture (pure).

Sensors send without listening, so that frames of one channel and SF that overlap may be lost.  Frames that
begin within one frame's length before or after it overlap it: ``2 G`` of them on average, ``G`` being the
load, air time per time (N. Abramson, "The ALOHA System", AFIPS 1970).  A frame survives a weaker one that
is ``CAPTURE_DB`` below it (M. Bor et al., "Do LoRa Low-Power Wide-Area Networks Scale?", MSWiM 2016: 6 dB;
SFs are taken as orthogonal).  Of sensors spread evenly around a gateway, with a level that falls by
``PATH_EXPONENT``, the chance that another is that much weaker is ``CAPTURED`` = T^(-2/n) / 2, T being the
ratio of levels.  Overlapping frames are independent:

    survives(G) = exp(-2 G (1 - CAPTURED))
    received    = G survives(G)

It says what to expect, not what was lost: sensors that send together, or hear one gateway at one level, fare
worse.
"""

from math import exp, log
from typing import Final

CAPTURE_DB: Final = 6.0
PATH_EXPONENT: Final = 3.5
"""Suburban macro cells lie between 3 and 4 (T. Rappaport, "Wireless Communications", 2nd ed., table 4.2)."""
CAPTURED: Final = (10 ** (CAPTURE_DB / 10)) ** (-2 / PATH_EXPONENT) / 2
EXPOSURE: Final = 2 * (1 - CAPTURED)
"""Mean number of fatal overlaps at a load of 1."""
COLLISIONS_LIMIT: Final = 0.10
"""Share of frames lost to others from which on a cell counts as full: a choice of ours.  A sensor that
repeats an unconfirmed frame twice then loses one report in a thousand."""
LOAD_LIMIT: Final = -log(1 - COLLISIONS_LIMIT) / EXPOSURE
"""The load at ``COLLISIONS_LIMIT``: 6.8 % of the time."""
LOAD_PEAK: Final = 1 / EXPOSURE
"""Beyond this load more frames sent are fewer received."""
STEPS: Final = 60
"""Halvings that find a load to one part in 10^18."""


def collisions(load: float) -> float:
    """Return the share of frames that others destroy at a load.

    >>> collisions(0.0), round(collisions(LOAD_LIMIT), 3)
    (0.0, 0.1)
    """
    return 1 - exp(-EXPOSURE * max(0.0, load))


def offered(received: float) -> float:
    """Return the load that leaves ``received``, the air time demodulated per time; ``LOAD_PEAK`` at most.

    >>> round(offered(0.05 * (1 - collisions(0.05))), 6)
    0.05
    """
    if received >= LOAD_PEAK * exp(-1):
        return LOAD_PEAK
    low, high = 0.0, LOAD_PEAK
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if middle * exp(-EXPOSURE * middle) < received else (low, middle)
    return low


def fullness(load: float) -> float:
    """Return a load as a share of what the cell carries: 1 is full."""
    return load / LOAD_LIMIT
