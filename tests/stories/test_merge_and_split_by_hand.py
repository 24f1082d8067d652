from fleet.tickets.model import TicketState
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World


def feeder(world: World) -> World:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", power_feeder="F12")
    world.commune("37281", "Vouvray", "v1", power_feeder="F12")
    world.commune("37152", "Monnaie", "m1", "m2", "m3", epci="Autre")
    world.lose("a1", "v1")
    world.pass_time(3 * MINUTE)
    return world


def test_split_takes_some_and_keeps_the_report(world: World) -> None:
    client = client_of(feeder(world))
    answer = client.post("/api/v1/tickets/1/split", json={"euis": ["v1"], "reason": "foudre"})
    assert answer.status_code == 201
    assert sorted(one.gateways for one in world.open()) == [1, 1]
    assert world.ticket(2).reported_at_us == world.ticket(1).reported_at_us
    world.pass_time(MINUTE)
    assert len(world.mails()) == 2


def test_split_of_all_or_none_is_refused(world: World) -> None:
    client = client_of(feeder(world))
    for euis in (["a1", "v1"], ["m1"]):
        assert client.post("/api/v1/tickets/1/split", json={"euis": euis, "reason": "x"}).status_code == 422
    assert len(world.open()) == 1


def test_merge_takes_the_earlier_report_and_only_once(world: World) -> None:
    client = client_of(feeder(world))
    call = {
        "commune_insee": "37152",
        "text": "plus rien",
        "reported_at_us": world.ticket().reported_at_us - MINUTE,
    }
    number = client.post("/api/v1/tickets", json=call).json()["ticket"]
    assert client.post(f"/api/v1/tickets/{number}/merge/1").status_code == 200
    assert world.ticket(number).state is TicketState.MERGED
    assert world.ticket(1).reported_at_us == call["reported_at_us"]
    assert client.post(f"/api/v1/tickets/{number}/merge/1").status_code == 409
    assert client.post("/api/v1/tickets/1/merge/1").status_code == 409
    assert client.post("/api/v1/tickets/99/merge/1").status_code == 404


def test_merging_two_measured_tickets_makes_one_incident_of_both(world: World) -> None:
    client = client_of(feeder(world))
    client.post("/api/v1/tickets/1/split", json={"euis": ["v1"], "reason": "foudre"})
    assert len(world.open()) == 2
    assert client.post("/api/v1/tickets/2/merge/1").status_code == 200
    (incident,) = world.open()
    assert incident.gateways == 2
    assert world.ticket(2).merged_into == 1
    world.restore("a1", "v1")
    world.pass_time(3 * MINUTE)
    assert world.ticket(1).state is TicketState.RESTORED
