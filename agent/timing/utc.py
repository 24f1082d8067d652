"""GPS time and UTC."""

GPS_EPOCH_UNIX_US = 315_964_800_000_000
"""1980-01-06T00:00:00Z."""
LEAP_SECONDS = 18
"""GPS − UTC since 2017-01-01 (IERS Bulletin C 52), where no receiver says another."""
LEAP_LIMITS_S = range(61)
"""No receiver is believed beyond: 18 came in 37 years."""


def utc_of_gps(gps_us: int, leap_s: int) -> int:
    """Return UTC in µs since 1970 of a GPS time in µs since 1980.

    >>> utc_of_gps(18_000_000, 18) == GPS_EPOCH_UNIX_US
    True
    """
    return gps_us + GPS_EPOCH_UNIX_US - leap_s * 1_000_000


def gps_of_utc(utc_us: int, leap_s: int) -> int:
    """Return GPS time in µs since 1980 of UTC in µs since 1970.

    >>> gps_of_utc(GPS_EPOCH_UNIX_US, 18)
    18000000
    """
    return utc_us - GPS_EPOCH_UNIX_US + leap_s * 1_000_000
