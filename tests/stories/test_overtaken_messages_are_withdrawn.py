"""A message that waited says nothing that is no longer so: withdrawn, counted, shown."""

from fleet.notify import outbox
from fleet.notify.model import Channel, Delivery, NotSent, Unconfirmed
from fleet.tickets.model import Acknowledge
from tests.stories.pages import pages_of
from tests.stories.world import HOUR, MINUTE, World

ANNE = "anne@example.fr"


def test_no_alarm_leaves_after_the_end_and_no_end_without_its_alarm(azay: World) -> None:
    azay.postman.refusing[ANNE] = NotSent("127.0.0.1:25: connection refused")
    azay.lose("a1")
    azay.pass_time(4 * MINUTE)
    azay.restore("a1")
    azay.pass_time(2 * MINUTE)
    azay.postman.refusing.clear()
    azay.pass_time(HOUR)
    assert azay.mails() == []
    assert {one.state for one in azay.notifications()} == {Delivery.WITHDRAWN}
    assert {one.error for one in azay.notifications()} == {"over", "never_told"}
    with azay.reading() as connection:
        assert outbox.withdrawn(connection, 0, azay.clock.at_us) == len(azay.notifications())
    page = pages_of(azay).get("/tickets/1").text
    assert "retiré avant envoi" in page


def test_a_reminder_that_waits_is_withdrawn_once_somebody_took_it(azay: World) -> None:
    azay.postman.refusing[ANNE] = NotSent("line")
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Acknowledge(who="Bruno", via="page", at_us=azay.clock.at_us))
    azay.postman.refusing.clear()
    azay.pass_time(20 * MINUTE)
    assert azay.mails() == []
    assert azay.notifications()[0].error == "taken"


def test_what_was_written_as_critical_leaves_as_what_it_has_become(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2")
    world.postman.refusing[ANNE] = NotSent("line")
    world.lose("a1", "a2")
    world.pass_time(3 * MINUTE)
    world.restore("a1")
    world.postman.refusing.clear()
    world.pass_time(15 * MINUTE)
    assert world.mails()
    assert not any(one.startswith("CRITIQUE") for one in world.mails())
    assert "regraded" in {one.error for one in world.notifications()}


def test_of_a_bundle_only_what_is_still_so_is_written_anew(world: World) -> None:
    world.people("Anne Martin")
    for number in range(2):
        world.commune(f"3700{number}", f"V{number}", f"g{number}", epci=f"E{number}")
    for number in range(9):
        world.commune(f"38{number:03d}", f"W{number}", f"h{number}", epci=f"G{number}")
    world.cycle()
    world.postman.refusing[ANNE] = NotSent("line")
    world.lose("g0", "g1")
    world.pass_time(3 * MINUTE)
    world.restore("g0")
    world.pass_time(MINUTE)
    world.postman.refusing.clear()
    world.pass_time(12 * MINUTE)
    assert world.mails()
    assert not any("V0" in one for one in world.mails())
    assert any("V1" in one for one in world.mails())


def test_a_gateway_that_gives_no_number_is_asked_once(azay: World) -> None:
    azay.enable(Channel.SMS)
    azay.people("Anne Martin", phone="0612345678")
    asked: list[str] = []

    class Numberless(dict[str, NotSent]):
        def __contains__(self, address: object) -> bool:
            if address == "+33612345678":
                asked.append(str(address))
                raise Unconfirmed("sms.example: answered no number for the message")
            return False

    azay.postman.refusing = Numberless()
    azay.lose("a1")
    azay.pass_time(4 * MINUTE)
    (sms,) = [one for one in azay.notifications() if one.channel is Channel.SMS]
    assert (sms.state, sms.attempts, len(asked)) == (Delivery.SENT, 1, 1)
    assert "n’a pas donné d’identifiant" in pages_of(azay).get("/tickets/1").text


def test_an_sms_says_which_reminder_it_is_which_ticket_and_what_to_answer(azay: World) -> None:
    azay.enable(Channel.SMS)
    azay.people("Anne Martin", phone="0612345678")
    azay.lose("a1")
    azay.pass_time(50 * MINUTE)
    first, second, third, *_ = azay.sms()
    assert "Ticket 1 : répondez OK 1." in first
    assert "1re relance" in second
    assert "2e relance" in third
    assert all("OK 1." in one for one in (first, second, third))
