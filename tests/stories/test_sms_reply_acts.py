import pytest
from fastapi.testclient import TestClient

from fleet.intake.strangers import ENTRIES_LIMIT
from fleet.notify.model import Channel
from fleet.shift import log as shift
from fleet.tickets.model import TicketState
from fleet.web.api.inbound import callback_token
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, SECOND, World


@pytest.fixture
def client(world: World) -> TestClient:
    world.enable(Channel.SMS)
    world.people("Anne Martin", phone="0612345678")
    world.people("Bruno Petit", phone="0700000000")
    for level, name in enumerate(("anne", "bruno"), start=1):
        world.duty(
            {"person": f"{name}@example.fr", "level": level, "from": "2026-11-20", "until": "2026-11-27"}
        )
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.cycle()
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    return client_of(world)


def reply(client: TestClient, text: str, sender: str = "+33612345678") -> str:
    path = f"/api/v1/sms/{callback_token(b's' * 32)}/replies"
    return str(client.post(path, json={"sender": sender, "message": text}).json()["outcome"])


def test_ok_acknowledges(world: World, client: TestClient) -> None:
    assert reply(client, "Ok !") == "acknowledge"
    assert world.ticket().acknowledged_by == "Anne Martin"
    assert reply(client, "en route") == "en_route"
    assert reply(client, "sur place") == "on_site"
    assert world.ticket().on_site_proof == "sms"


def test_no_calls_the_next_level_at_once(world: World, client: TestClient) -> None:
    assert reply(client, "non") == "decline"
    world.pass_time(2 * SECOND)
    assert len(world.sms("+33700000000")) == 1
    assert world.ticket().state is TicketState.REPORTED


def test_free_text_is_a_note_and_is_answered(world: World, client: TestClient) -> None:
    assert reply(client, "je dors, appelez Paul") == "note"
    world.send()
    assert "OK, EN ROUTE, SUR SITE ou NON" in world.sms("+33612345678")[-1]
    assert "Note" in world.trail()


def test_a_stranger_changes_no_ticket_and_is_read_by_the_shift(world: World, client: TestClient) -> None:
    for _ in range(ENTRIES_LIMIT + 1):
        assert reply(client, "OK\u2028j’y vais", sender="33699999999") == "unknown sender"
    assert world.ticket().state is TicketState.REPORTED
    with world.reading() as connection:
        found = shift.open_entries(connection)
    assert len(found) == ENTRIES_LIMIT
    assert "+33699999999" in found[0].text
    assert "OK j’y vais" in found[0].text


@pytest.mark.parametrize("sender", ["33612345678", "0033612345678", "06 12 34 56 78"])
def test_a_sender_with_and_without_plus_is_the_same(world: World, client: TestClient, sender: str) -> None:
    assert reply(client, "OK", sender=sender) == "acknowledge"
    assert world.ticket().acknowledged_by == "Anne Martin"


def test_somebody_who_was_told_of_nothing(world: World, client: TestClient) -> None:
    assert reply(client, "ok", sender="0700000000") == "no ticket"
    assert reply(client, "ok 99") == "no ticket"


def test_too_late_is_told_who_has_it(world: World, client: TestClient) -> None:
    reply(client, "non")
    world.pass_time(2 * SECOND)
    reply(client, "ok", sender="0700000000")
    assert reply(client, "ok") == "refused"
    world.send()
    assert "Déjà pris en charge par Bruno Petit" in world.sms("+33612345678")[-1]
