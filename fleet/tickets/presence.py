"""How we know that somebody is on site: the label on the cabinet, a position, a code of the local page; pure.

A position is compared and forgotten: only the distance is kept.

Sources: DESIGN §7; GDPR art. 5(1)(c), data minimisation; RFC 6238 for codes of limited life.
"""

import hmac
import math
from hashlib import sha256

EARTH_RADIUS_M = 6_371_000
NEAR_LIMIT_M = 300
"""A phone's position between houses is good to 50 m, a village church's grounds to 200."""

CODE_DIGITS = 6
CODE_LIFE_S = 300
"""A code of the local page changes every five minutes; the one before is still good."""


def distance_m(lat: float, lon: float, other_lat: float, other_lon: float) -> int:
    """Return the distance on the ground in whole metres (haversine).

    >>> distance_m(47.35, 0.8457, 47.35, 0.8470)
    98
    """
    first, second = math.radians(lat), math.radians(other_lat)
    d_lat, d_lon = second - first, math.radians(other_lon - lon)
    part = math.sin(d_lat / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(d_lon / 2) ** 2
    return round(2 * EARTH_RADIUS_M * math.asin(math.sqrt(part)))


def site_token(secret: bytes, site_id: int) -> str:
    """Return what the QR label on a site's cabinet carries.

    >>> site_token(b"k", 7).split("-")[0]
    '7'
    """
    digest = hmac.new(secret, f"site/{site_id}".encode(), sha256).hexdigest()
    return f"{site_id}-{digest[:20]}"


def site_of_token(secret: bytes, token: str) -> int | None:
    """Return the site whose label was read; None if it is none of ours."""
    number, _, _ = token.partition("-")
    if not (number.isascii() and number.isdigit()) or len(number) > 9:
        return None
    return (
        int(number) if hmac.compare_digest(site_token(secret, int(number)).encode(), token.encode()) else None
    )


def local_code(secret: bytes, eui: str, at_s: int) -> str:
    """Return the code that the gateway's local page shows at an instant."""
    digest = hmac.new(secret, f"local/{eui}/{at_s // CODE_LIFE_S}".encode(), sha256).digest()
    return f"{int.from_bytes(digest[:8]) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def code_is_good(secret: bytes, eui: str, code: str, at_s: int) -> bool:
    """Return whether a code is the present one or the one before."""
    good = [local_code(secret, eui, at_s - back) for back in (0, CODE_LIFE_S)]
    return any(hmac.compare_digest(one.encode(), code.strip().encode()) for one in good)
