"""What somebody on site can show beside the gateway's code: the label on the cabinet or a position; pure.

They are read, copied and forged elsewhere, so that an arrival with them reads « déclaré »; what proves it is
the code that the gateway shows (``fleet.acts.challenge``).

A position is compared and forgotten: only the distance is kept.

Sources: DESIGN §7; GDPR art. 5(1)(c), data minimisation.
"""

import hmac
import math
from hashlib import sha256

from fleet.lang.i18n import t, word

EARTH_RADIUS_M = 6_371_000
NEAR_LIMIT_M = 300
"""A phone's position between houses is good to 50 m, a village church's grounds to 200."""


def proof_words(lang: str, proof: str) -> str:
    """Return how we know of an arrival, as people read it.

    >>> proof_words("fr", "position 46 m")
    'déclaré, position à 46\\u202fm du site'
    """
    kind, _, rest = proof.partition(" ")
    if kind == "position":
        return t(lang, "presence.proof.position", metres=rest.removesuffix(" m"))
    return word(lang, "presence.proof", proof.replace(" ", "_"))


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
