from fleet.facts.states import Cause
from fleet.incidents.model import Domain
from tests.stories.world import MINUTE, World


def test_two_villages_on_one_feeder_are_one_incident_and_one_mail(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", power_feeder="F12", backhaul_operator="Orange")
    world.commune("37281", "Vouvray", "v1", power_feeder="F12", backhaul_operator="SFR")
    world.commune("37152", "Monnaie", "m1", power_feeder="F99", backhaul_operator="Orange")
    world.lose("a1", "v1", cause=Cause.POWER)
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert (incident.domain, incident.value, incident.gateways) == (Domain.FEEDER, "F12", 2)
    assert len(world.mails()) == 1
    assert "F12" in world.postman.taken[0].text
