from fleet.notify.model import Channel, Delivery, NotSent
from fleet.tickets.model import Acknowledge
from tests.stories.world import HOUR, MINUTE, World


def test_people_are_told_and_the_mirror_catches_up_in_order(azay: World) -> None:
    azay.enable(Channel.GLPI, Channel.WEBHOOK)
    azay.postman.refusing["glpi"] = NotSent("GLPI: 503")
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Acknowledge(who="Anne", via="page", at_us=azay.clock.at_us))
    assert len(azay.mails()) == 1
    mirrored = [one for one in azay.notifications() if one.channel is Channel.GLPI]
    assert [one.state for one in mirrored] == [Delivery.PENDING] * 2
    azay.postman.refusing.clear()
    azay.pass_time(HOUR)
    sent = [one.detail["event"] for one in azay.postman.taken if one.channel is Channel.GLPI]
    assert sent[:2] == ["Report", "Acknowledge"]
    posted = [one.detail["event"] for one in azay.postman.taken if one.channel is Channel.WEBHOOK]
    assert posted[:2] == ["Report", "Acknowledge"]
    assert len({one.key for one in azay.postman.taken}) == len(azay.postman.taken)
