import pytest
from fastapi.testclient import TestClient

from fleet.tickets import links
from fleet.tickets.model import Acknowledge, TicketState
from tests.stories.pages import client_of
from tests.stories.world import HOUR, MINUTE, World


@pytest.fixture
def client(azay: World) -> TestClient:
    return client_of(azay)


@pytest.fixture
def called(azay: World) -> World:
    azay.lose("a1")
    azay.pass_time(2 * MINUTE)
    return azay


def test_get_shows_and_changes_nothing_post_acts_once(called: World, client: TestClient) -> None:
    link = f"/a/{called.link()}"
    for _ in range(3):
        shown = client.get(link)
        assert shown.status_code == 200
        assert "Anne Martin" in shown.text
        assert "<button" in shown.text
    assert called.ticket().state is TicketState.REPORTED
    assert "06:15" in client.post(link).text
    assert (called.ticket().state, called.ticket().acknowledged_by) == (
        TicketState.ACKNOWLEDGED,
        "Anne Martin",
    )
    again = client.post(link)
    assert again.status_code == 200
    assert "déjà servi" in again.text
    assert called.trail().count("Acknowledge") == 1


def test_access_and_road_are_shown_to_who_took_it_while_there_is_work(
    called: World, client: TestClient
) -> None:
    link = f"/a/{called.link()}"
    before = client.get(link).text
    assert "4711" not in before
    assert "geo:" not in before
    for after in (client.post(link).text, client.get(link).text):
        assert "4711" in after
        assert "geo:47.35" in after
        assert 'href="/tickets/1"' in after
    called.restore("a1")
    called.pass_time(2 * MINUTE)
    assert "4711" not in client.get(link).text


def test_who_did_not_take_it_learns_no_access(called: World, client: TestClient) -> None:
    link = f"/a/{called.link()}"
    called.act(1, Acknowledge(who="Bruno Petit", via="page", at_us=called.clock.at_us))
    assert "4711" not in client.get(link).text + client.post(link).text + client.get(link).text


@pytest.mark.parametrize("token", ["x", "x" * 500, "abc.def", "%F0%9F%98%80"])
def test_a_forged_link_is_refused(called: World, client: TestClient, token: str) -> None:
    for answer in (client.get(f"/a/{token}"), client.post(f"/a/{token}")):
        assert answer.status_code == 404
        assert "pas valable" in answer.text
    assert called.ticket().state is TicketState.REPORTED


def test_a_changed_letter_is_refused(called: World, client: TestClient) -> None:
    token = called.link()
    other = ("B" if token[0] != "B" else "C") + token[1:]
    assert client.post(f"/a/{other}").status_code == 404
    assert called.ticket().state is TicketState.REPORTED


def test_the_link_of_another_fleet_is_refused(called: World, client: TestClient) -> None:
    with called.database.write() as connection:
        told = {"ticket_id": 1, "person_id": 1, "who": "Anne", "now_us": called.clock.at_us}
        foreign = links.mint(connection, b"another fleet's secret", **told)
    assert client.get(f"/a/{foreign}").status_code == 404
    assert client.post(f"/a/{foreign}").status_code == 404
    assert called.ticket().state is TicketState.REPORTED


def test_a_link_for_one_ticket_does_nothing_to_another(azay: World, client: TestClient) -> None:
    azay.commune("37281", "Vouvray", "b1", epci="CC 2")
    azay.lose("a1")
    azay.pass_time(2 * MINUTE)
    first = azay.link()
    azay.lose("b1")
    azay.pass_time(2 * MINUTE)
    assert client.post(f"/a/{first}").status_code == 200
    assert [azay.ticket(number).acknowledged_by for number in (1, 2)] == ["Anne Martin", ""]


def test_an_expired_link_is_refused(called: World, client: TestClient) -> None:
    link = f"/a/{called.link()}"
    called.clock.at_us += 24 * HOUR
    assert client.get(link).status_code == 410
    assert client.post(link).status_code == 410
    assert called.ticket().state is TicketState.REPORTED


def test_two_people_acknowledge_the_first_wins_and_the_second_is_told_who(
    azay: World, client: TestClient
) -> None:
    azay.people("Bruno Petit")
    azay.lose("a1")
    azay.pass_time(2 * MINUTE)
    first, second = f"/a/{azay.link('anne@example.fr')}", f"/a/{azay.link('bruno@example.fr')}"
    assert client.post(second).status_code == 200
    answer = client.post(first)
    assert answer.status_code == 409
    assert "Bruno Petit" in answer.text
    assert azay.ticket().acknowledged_by == "Bruno Petit"


def test_acknowledging_stops_the_escalation(called: World, client: TestClient) -> None:
    client.post(f"/a/{called.link()}")
    before = called.written()
    called.pass_time(30 * MINUTE)
    assert called.written() == before
