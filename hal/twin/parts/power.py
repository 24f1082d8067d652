"""Conducted power of a (PA, power index) pair on the boards that a twin can be.

Sources: the transmit gain tables of Semtech's EU868 reference design and of RAKWireless' RAK2287 and RAK5146
(16 entries each, 12 to 27 dBm), between and beyond them by straight lines; for simulations, no calibration.
"""

from bisect import bisect_left

PA_BIT = 0x40
Table = tuple[tuple[int, float], ...]
WITHOUT_PA: Table = ((15, 12.0), (16, 13.0), (17, 14.0), (19, 15.0), (20, 16.0), (22, 17.0))
CORECELL: Table = (
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
RAK: Table = (
    *((index, index + 8.0) for index in range(4, 15)),
    (16, 23.0),
    (17, 24.0),
    (18, 25.0),
    (19, 26.0),
    (22, 27.0),
)


def corecell_dbm(register: int) -> float:
    """Return the power of Semtech's reference design for an AGC_TX_PWR value.

    >>> corecell_dbm(0x11), corecell_dbm(0x4E)
    (14.0, 27.0)
    """
    return _power_dbm(register, CORECELL)


def rak_dbm(register: int) -> float:
    """Return the power of a RAK2287 or RAK5146, whose front end amplifies less at the same index.

    >>> rak_dbm(0x46), rak_dbm(0x56)
    (14.0, 27.0)
    """
    return _power_dbm(register, RAK)


BOARDS = {
    "corecell": corecell_dbm,
    "waveshare": corecell_dbm,
    "wm1302": corecell_dbm,
    "rak2287": rak_dbm,
    "rak5146": rak_dbm,
    "rak5146-usb": rak_dbm,
}


def _power_dbm(register: int, with_pa: Table) -> float:
    table = with_pa if register & PA_BIT else WITHOUT_PA
    index = register & 0x3F
    place = min(max(bisect_left(table, (index, -99.0)), 1), len(table) - 1)
    (low, low_dbm), (high, high_dbm) = table[place - 1], table[place]
    return low_dbm + (high_dbm - low_dbm) * (index - low) / (high - low)
