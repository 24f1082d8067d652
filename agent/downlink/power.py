"""How loud a downlink leaves: never above the limit of its band, whatever was asked for.

Limits are e.r.p.; what servers ask for is e.i.r.p.; the chip is told conducted power:
conducted = e.i.r.p. − antenna gain (dBi) + cable loss (dB).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.downlink.plan import Band

ROUNDING_DB = 0.5
"""A difference that whole decibels of the protocols cannot show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """The entry of the gain table to use, and what it amounts to."""

    conducted_dbm: float
    eirp_dbm: float
    as_asked: bool


def choose_power(
    asked_eirp_dbm: float | None, band: Band, table_dbm: Sequence[float], *, gain_db: float, loss_db: float
) -> Power | None:
    """Return the loudest entry that is neither above the limit nor above what was asked for.

    Where every lawful entry is louder than what was asked for, the lowest one serves.  None: even the lowest
    is above the limit.
    """
    limit_dbm = band.eirp_dbm - gain_db + loss_db
    wanted_dbm = limit_dbm if asked_eirp_dbm is None else asked_eirp_dbm - gain_db + loss_db
    lawful = [entry for entry in table_dbm if entry <= limit_dbm]
    if not lawful:
        return None
    fitting = [entry for entry in lawful if entry <= wanted_dbm]
    conducted = max(fitting) if fitting else min(lawful)
    eirp = conducted + gain_db - loss_db
    as_asked = asked_eirp_dbm is None or abs(eirp - asked_eirp_dbm) <= ROUNDING_DB
    return Power(conducted_dbm=conducted, eirp_dbm=eirp, as_asked=as_asked)
