"""GPS time and UTC."""

GPS_EPOCH_UNIX_US = 315_964_800_000_000
"""1980-01-06T00:00:00Z."""
LEAP_SECONDS = 18
"""GPS − UTC since 2017-01-01 (IERS Bulletin C 52); none has been announced since."""
