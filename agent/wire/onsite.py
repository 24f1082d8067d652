"""The code that a gateway shows on the spot and the fleet can check: who reads it out stands in front of it.

It follows from the number of the boot (random, 63 bits, told to the fleet alone) and from the time since that
boot, so that it needs neither a shared secret nor a true wall clock, and is of no use the next day.

Sources: DESIGN §7 "On site"; RFC 4226 §5.3 (truncation), RFC 6238 (codes of limited life).
"""

import hmac
from hashlib import sha256

CODE_DIGITS = 6
CODE_LIFE_MS = 300_000
"""A code changes every five minutes; the ones beside it are taken too (``code_is_good``)."""


def onsite_code(boot: int, eui: str, uptime_ms: int) -> str:
    """Return the code that ``eui`` shows so long after its start.

    >>> onsite_code(7, "0016c001f1370001", 60_000)
    '826256'
    """
    text = f"on site/{eui}/{uptime_ms // CODE_LIFE_MS}"
    digest = hmac.new(boot.to_bytes(8, "big"), text.encode(), sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


def code_is_good(boot: int, eui: str, uptime_ms: int, code: str) -> bool:
    """Return whether ``code`` was shown around that time; a life earlier or later is taken."""
    told = "".join(code.split()).encode()
    near = [max(0, uptime_ms + apart) for apart in (-CODE_LIFE_MS, 0, CODE_LIFE_MS)]
    return any(hmac.compare_digest(onsite_code(boot, eui, at).encode(), told) for at in near)
