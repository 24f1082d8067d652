import pytest

from fleet.notify.model import Delivery
from fleet.notify.receipts import Receipt, after, receipt


@pytest.mark.parametrize(
    ("status", "found"),
    [
        *(
            (word, Receipt.UNDER_WAY)
            for word in ("ENROUTE", "BUFFERED", "ACCEPTD", "SCHEDULED", "UNKNOWN", "", "?")
        ),
        *((word, Receipt.DELIVERED) for word in ("DELIVRD", "delivered", " DELIVRD ")),
        *((word, Receipt.FAILED) for word in ("UNDELIV", "EXPIRED", "REJECTD", "DELETED", "failed")),
    ],
)
def test_words_of_providers(status: str, found: Receipt) -> None:
    assert receipt(status) is found


TABLE = {
    Delivery.PENDING: (Delivery.PENDING, Delivery.PENDING, Delivery.PENDING),
    Delivery.SENT: (Delivery.SENT, Delivery.DELIVERED, Delivery.FAILED),
    Delivery.DELIVERED: (Delivery.DELIVERED, Delivery.DELIVERED, Delivery.DELIVERED),
    Delivery.FAILED: (Delivery.FAILED, Delivery.DELIVERED, Delivery.FAILED),
    Delivery.WITHDRAWN: (Delivery.WITHDRAWN, Delivery.WITHDRAWN, Delivery.WITHDRAWN),
}


@pytest.mark.parametrize("state", Delivery)
def test_every_state_with_every_receipt(state: Delivery) -> None:
    reports = (Receipt.UNDER_WAY, Receipt.DELIVERED, Receipt.FAILED)
    assert tuple(after(state, found) for found in reports) == TABLE[state]
