from fleet.incidents.model import Domain, IncidentState
from tests.stories.world import MINUTE, SECOND, World


def test_a_neighbour_lost_a_minute_later_joins_and_the_report_stays(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", power_feeder="F12")
    world.commune("37281", "Vouvray", "v1", power_feeder="F12")
    began = world.clock.at_us
    world.lose("a1")
    world.pass_time(70 * SECOND)
    world.lose("v1")
    world.pass_time(4 * MINUTE)
    (incident,) = world.open()
    assert (incident.domain, incident.gateways) == (Domain.FEEDER, 2)
    assert world.ticket(1).reported_at_us == began + 90 * SECOND
    assert all(one.state is IncidentState.OPEN for one in world.incidents())


def test_two_open_incidents_become_one_when_the_third_loss_explains_them(world: World) -> None:
    world.people("Anne Martin")
    for number in range(3):
        world.commune(f"3700{number}", f"V{number}", f"g{number}", epci=f"E{number}", backhaul_operator="SFR")
    world.lose("g0")
    world.pass_time(30 * SECOND)
    world.lose("g1")
    world.pass_time(80 * SECOND)
    world.pass_time(30 * SECOND)
    assert [one.domain for one in world.open()] == [Domain.GATEWAY, Domain.GATEWAY]
    world.lose("g2", since_us=world.clock.at_us - 90 * SECOND)
    world.pass_time(10 * SECOND)
    (incident,) = world.open()
    assert (incident.domain, incident.value, incident.gateways) == (Domain.OPERATOR, "SFR", 3)
    assert world.ticket(2).merged_into == 1
    assert "Merge" in world.trail(2)
