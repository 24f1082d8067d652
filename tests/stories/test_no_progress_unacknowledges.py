from fleet.tickets.model import Acknowledge, Depart, Note, TicketState
from tests.stories.world import MINUTE, World


def taken(world: World) -> None:
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    world.act(1, Acknowledge(who="Anne Martin", via="page", at_us=world.clock.at_us))


def test_acknowledged_and_nothing_for_45_minutes_is_nobodys_again(azay: World) -> None:
    taken(azay)
    azay.pass_time(44 * MINUTE)
    assert azay.ticket().state is TicketState.ACKNOWLEDGED
    before = len(azay.mails())
    azay.pass_time(3 * MINUTE)
    assert azay.ticket().state is TicketState.REPORTED
    assert len(azay.mails()) == before + 1
    assert "plus aucune nouvelle" in azay.postman.taken[-1].text


def test_a_note_is_progress(azay: World) -> None:
    taken(azay)
    azay.pass_time(30 * MINUTE)
    azay.act(1, Note(who="Anne Martin", via="page", at_us=azay.clock.at_us, text="J'attends la clé."))
    azay.pass_time(30 * MINUTE)
    assert azay.ticket().state is TicketState.ACKNOWLEDGED


def test_en_route_has_ninety_minutes(azay: World) -> None:
    taken(azay)
    azay.act(1, Depart(who="Anne Martin", via="page", at_us=azay.clock.at_us))
    azay.pass_time(89 * MINUTE)
    assert azay.ticket().state is TicketState.EN_ROUTE
    azay.pass_time(2 * MINUTE)
    assert azay.ticket().state is TicketState.REPORTED
