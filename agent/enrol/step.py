"""What an answer to an enrolment means and when to ask again (pure).

No answer and server faults are asked again soon, a refusal slowly: the fleet may extend the order while
the gateway hangs on its tower.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.wire.reasons import Reason

FIRST_WAIT_S = 2.0
LONGEST_WAIT_S = 300.0
"""While nobody answers, the wait doubles up to this."""
REFUSED_WAIT_S = 900.0
"""After a refusal the next try waits so long: 1,615 refused gateways make 2 requests a second."""


class Outcome(StrEnum):
    """What became of one try."""

    ENROLLED = "enrolled"
    UNREACHABLE = "unreachable"
    SERVER_FAULT = "server_fault"
    UNKNOWN_PROOF = "unknown"
    USED = "used"
    EXPIRED = "expired"
    REVOKED = "revoked"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    BAD_CERTIFICATE = "bad_certificate"
    DISK = "disk"
    """Ours: full or read-only."""


_BY_STATUS = {
    200: Outcome.ENROLLED,
    201: Outcome.ENROLLED,
    401: Outcome.UNKNOWN_PROOF,
    403: Outcome.FOREIGN,
    404: Outcome.UNKNOWN_PROOF,
    409: Outcome.USED,
    410: Outcome.EXPIRED,
    400: Outcome.MALFORMED,
    422: Outcome.MALFORMED,
}
_BY_WORD = {
    "used": Outcome.USED,
    "expired": Outcome.EXPIRED,
    "foreign": Outcome.FOREIGN,
    "revoked": Outcome.REVOKED,
}
_SOON = frozenset({Outcome.UNREACHABLE, Outcome.SERVER_FAULT, Outcome.DISK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """The enrolment as it stands; written to disk, read by ``agent status``."""

    outcome: Outcome | None = None
    why: Reason | None = None
    tries: int = 0
    last_at_us: int = 0


def outcome_of(status: int, code: str = "") -> Outcome:
    """Return what an HTTP status and the fleet's word for the reason mean; the word says it better.

    >>> outcome_of(503).value
    'server_fault'
    >>> outcome_of(403, "used").value
    'used'
    """
    by_status = _BY_STATUS.get(status, Outcome.SERVER_FAULT)
    refused = 400 <= status < 500
    return _BY_WORD.get(code, by_status) if refused else by_status


def wait_s(outcome: Outcome, *, tries: int, jitter: float) -> float:
    """Return how long to wait before the next try; ``jitter`` is uniform in 0..1.

    Grows twofold from 2 s to 5 min and spreads over half of itself, so that gateways which came back
    together do not ask together.
    """
    longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries - 1, 16))
    base = longest if outcome in _SOON else REFUSED_WAIT_S
    return base * (0.5 + jitter / 2)


def renewal_due_us(valid_from_us: int, valid_until_us: int) -> int:
    """Return when to ask for the next certificate: at a third of the life of this one (DESIGN §9).

    >>> renewal_due_us(0, 90)
    30
    """
    return valid_from_us + (valid_until_us - valid_from_us) // 3
