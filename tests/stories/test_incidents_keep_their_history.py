"""What was known stays: the gravest criticality, a revised cause with both instants, a fault of its own."""

from fleet.facts.states import Cause
from fleet.incidents import store
from fleet.tickets.model import Criticality, TicketState
from tests.stories.pages import pages_of
from tests.stories.world import MINUTE, World


def test_a_critical_loss_that_ends_in_parts_stays_critical(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", "a2")
    world.lose("a1", "a2")
    world.pass_time(3 * MINUTE)
    assert world.ticket().criticality is Criticality.CRITICAL
    world.restore("a1")
    world.pass_time(MINUTE)
    assert world.ticket().criticality is Criticality.MAJOR
    world.restore("a2")
    world.pass_time(40 * MINUTE)
    ticket = world.ticket()
    assert ticket.state is TicketState.CLOSED
    assert ticket.shown_criticality is Criticality.CRITICAL
    page = pages_of(world).get(f"/tickets/{ticket.id}").text
    title = page.split("<h1>")[1].split("</h1>")[0]
    assert "plus de service" in title
    assert "plus de redondance" not in title
    assert "Ce que l’on savait, et quand" in page
    rows = pages_of(world).get("/incidents?tous=1").text
    assert "Critique" in rows
    assert "Majeur" not in rows


def test_a_power_cut_soon_after_a_cut_of_the_network_server_is_its_own_incident(azay: World) -> None:
    azay.lose("a1", cause=Cause.LNS)
    azay.pass_time(3 * MINUTE)
    azay.restore("a1")
    azay.pass_time(10 * MINUTE)
    azay.lose("a1", cause=Cause.POWER)
    azay.pass_time(3 * MINUTE)
    assert [one.id for one in azay.open()] == [2]
    newest = azay.postman.taken[-1].text
    assert "plus d’alimentation" in newest
    assert "cœur de réseau" not in newest
    assert azay.ticket(1).state is TicketState.RESTORED


def test_a_revised_cause_shows_both_instants(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    opened_us = azay.clock.at_us
    azay.lose("a1", cause=Cause.POWER)
    azay.pass_time(MINUTE)
    with azay.reading() as connection:
        found = store.findings(connection, 1)
    assert [one.proved for one in found] == [Cause.NONE, Cause.POWER]
    assert found[0].at_us < opened_us <= found[1].at_us
    shown = (
        pages_of(azay).get("/tickets/1").text.split("Ce que l’on savait, et quand")[1].split("</section>")[0]
    )
    assert shown.count("<time>") == 2
    assert "plus d’alimentation" in shown
    assert "pas encore connue" in shown
