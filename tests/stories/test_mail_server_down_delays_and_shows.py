from fleet.notify.model import Delivery, NotSent
from tests.stories.world import HOUR, MINUTE, World


def test_failures_show_on_the_ticket_and_the_message_goes_when_the_server_is_back(azay: World) -> None:
    azay.postman.refusing["anne@example.fr"] = NotSent("127.0.0.1:25: connection refused")
    azay.lose("a1")
    azay.pass_time(4 * MINUTE)
    (first, *_) = azay.notifications()
    assert (first.state, first.error) == (Delivery.PENDING, "127.0.0.1:25: connection refused")
    assert first.attempts >= 3
    azay.postman.refusing.clear()
    azay.pass_time(10 * MINUTE)
    assert azay.notifications()[0].state is Delivery.SENT
    assert azay.mails()[0].startswith("CRITIQUE")


def test_a_final_refusal_is_not_tried_again(azay: World) -> None:
    azay.postman.refusing["anne@example.fr"] = NotSent("550 no such user", final=True)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    (first,) = azay.notifications()
    assert (first.state, first.attempts) == (Delivery.FAILED, 1)


def test_after_an_hour_of_attempts_it_is_failed_and_said(azay: World) -> None:
    azay.postman.refusing["anne@example.fr"] = NotSent("line")
    azay.lose("a1")
    azay.pass_time(2 * HOUR)
    first = azay.notifications()[0]
    assert (first.state, first.attempts) == (Delivery.FAILED, 12)
