from fleet.tickets.model import TicketState
from fleet.tickets.presence import site_token
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World


def test_scanning_shows_and_posting_arrives(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    client, token = client_of(azay), site_token(b"s" * 32, 1)
    assert "Je suis sur site" in client.get(f"/s/{token}").text
    assert azay.ticket().state is TicketState.REPORTED
    assert client.post(f"/s/{token}", follow_redirects=False).headers["location"] == "/tickets/1"
    assert (azay.ticket().state, azay.ticket().on_site_proof) == (TicketState.ON_SITE, "label")


def test_nothing_to_do_there_and_a_label_that_is_none(azay: World) -> None:
    client = client_of(azay)
    assert "Aucun ticket ouvert" in client.get(f"/s/{site_token(b's' * 32, 1)}").text
    assert client.get("/s/1-forged").status_code == 404
