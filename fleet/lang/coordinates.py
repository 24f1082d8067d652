"""Coordinates beside the commune that they are said to be in: swapped ones are offered the other way; pure.

Sources: IGN, extreme points of metropolitan France (41°21' N to 51°05' N, 5°09' W to 9°34' E).
"""

from math import cos, hypot, radians
from typing import Final

DEGREE_KM: Final = 111.2
"""A degree of latitude on a sphere of 6,371 km."""

AWAY_LIMIT_KM: Final = 50
"""No commune of metropolitan France reaches so far from its middle (Arles, the widest, is 40 km across)."""

_LATITUDES: Final = (41.0, 51.5)
_LONGITUDES: Final = (-5.5, 10.0)


def away_km(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Return about how far two positions are from one another; good to 1 % below some hundred kilometres.

    >>> round(away_km(47.41, 0.80, 47.41, 0.81), 2)
    0.75
    """
    east = (lon - other_lon) * cos(radians((lat + other_lat) / 2))
    return DEGREE_KM * hypot(lat - other_lat, east)


def misplaced(lat: float, lon: float, commune: tuple[float, float] | None) -> str:
    """Return what is wrong with a position, and what to write; empty if nothing is.

    >>> misplaced(0.7988, 47.4106, (47.41, 0.80))
    'latitude and longitude are swapped: write latitude 47.4106 and longitude 0.7988'
    >>> misplaced(47.4106, 0.7988, (47.41, 0.80))
    ''
    """
    swapped = f"latitude and longitude are swapped: write latitude {lon} and longitude {lat}"
    if commune is None:
        return swapped if _in_france(lon, lat) and not _in_france(lat, lon) else ""
    away = away_km(lat, lon, *commune)
    if away <= AWAY_LIMIT_KM:
        return ""
    if away_km(lon, lat, *commune) <= AWAY_LIMIT_KM:
        return swapped
    return f"{away:.0f} km from the commune; write degrees of latitude and longitude as WGS 84 has them"


def _in_france(lat: float, lon: float) -> bool:
    return _LATITUDES[0] <= lat <= _LATITUDES[1] and _LONGITUDES[0] <= lon <= _LONGITUDES[1]
