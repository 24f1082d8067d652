"""What a delivery report of an SMS says: under way, delivered, or failed; a later report counts.  Pure.

    report       of a message that is …   makes it
    under way    anything                 unchanged
    delivered    sent, failed             delivered
    failed       sent                     failed
    failed       delivered                unchanged: the handset has answered

Sources: SMPP 3.4 §5.2.28 (ENROUTE, DELIVERED, EXPIRED, DELETED, UNDELIVERABLE, ACCEPTED, UNKNOWN, REJECTED)
and Appendix B (their seven letters); ETSI TS 123 040 §9.2.3.15 for what a centre goes on trying.  Operators
send ``ACCEPTD`` when they take a message over, so it is no delivery.
"""

from enum import StrEnum
from typing import Final

from fleet.notify.model import Delivery


class Receipt(StrEnum):
    """How far a provider says that an SMS has come."""

    UNDER_WAY = "under_way"
    DELIVERED = "delivered"
    FAILED = "failed"


_ARRIVED: Final = frozenset({"DELIVRD", "DELIVERED", "READ"})
_GIVEN_UP: Final = frozenset(
    {
        "UNDELIV",
        "UNDELIVERABLE",
        "UNDELIVERED",
        "EXPIRED",
        "REJECTD",
        "REJECTED",
        "DELETED",
        "FAILED",
        "ERROR",
    }
)


def receipt(status: str) -> Receipt:
    """Return what a provider's word says; a word that nobody knows is no outcome.

    >>> receipt("ENROUTE"), receipt("delivrd"), receipt("UNDELIV")
    (<Receipt.UNDER_WAY: 'under_way'>, <Receipt.DELIVERED: 'delivered'>, <Receipt.FAILED: 'failed'>)
    """
    word = status.strip().upper()
    if word in _ARRIVED:
        return Receipt.DELIVERED
    return Receipt.FAILED if word in _GIVEN_UP else Receipt.UNDER_WAY


def after(state: Delivery, found: Receipt) -> Delivery:
    """Return the state of a message after a report."""
    if found is Receipt.DELIVERED and state in (Delivery.SENT, Delivery.FAILED):
        return Delivery.DELIVERED
    if found is Receipt.FAILED and state is Delivery.SENT:
        return Delivery.FAILED
    return state
