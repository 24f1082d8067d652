"""Conducted power of a (PA, power index) pair, as a typical SX1250 board with a front-end module gives it.

Sources: the transmit gain table of Semtech's EU868 reference design (16 entries, 12 to 27 dBm), between and
beyond them by straight lines; a figure for simulations, not a calibration.
"""

from bisect import bisect_left

PA_BIT = 0x40
WITHOUT_PA = ((15, 12.0), (16, 13.0), (17, 14.0), (19, 15.0), (20, 16.0), (22, 17.0))
WITH_PA = (
    (1, 18.0),
    (2, 19.0),
    (3, 20.0),
    (4, 21.0),
    (5, 22.0),
    (6, 23.0),
    (7, 24.0),
    (9, 25.0),
    (11, 26.0),
    (14, 27.0),
)


def power_dbm(register: int) -> float:
    """Return the power for an AGC_TX_PWR value.

    >>> power_dbm(0x11), power_dbm(0x4E)
    (14.0, 27.0)
    """
    table = WITH_PA if register & PA_BIT else WITHOUT_PA
    index = register & 0x3F
    place = min(max(bisect_left(table, (index, -99.0)), 1), len(table) - 1)
    (low, low_dbm), (high, high_dbm) = table[place - 1], table[place]
    return low_dbm + (high_dbm - low_dbm) * (index - low) / (high - low)
