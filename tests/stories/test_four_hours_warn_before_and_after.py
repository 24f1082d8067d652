from fleet.tickets.clocks import ClockVerdict
from fleet.tickets.model import Acknowledge, Arrive, Depart
from tests.stories.world import HOUR, MINUTE, World


def test_nobody_on_site_is_told_an_hour_before_and_at_the_end(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Acknowledge(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.act(1, Depart(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.pass_time(4 * HOUR)
    texts = [one.text for one in azay.postman.taken]
    assert sum("moins d’une heure" in text for text in texts) == 1
    assert sum("quatre heures sont dépassées" in text for text in texts) == 1
    assert azay.open()[0].ticket.intervention.verdict is ClockVerdict.MISSED


def test_on_site_in_time_warns_nobody(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Arrive(who="Anne", via="page", at_us=azay.clock.at_us))
    before = len(azay.mails())
    azay.pass_time(5 * HOUR)
    assert len(azay.mails()) == before
    assert azay.open()[0].ticket.intervention.verdict is ClockVerdict.MET
