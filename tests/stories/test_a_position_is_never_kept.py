from fleet.tickets.model import TicketState
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World

LAT, LON = 47.350412345, 0.845798765
"""Some forty metres from the church."""


def test_where_the_technician_stood_is_nowhere_neither_before_nor_after_closing(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    client = client_of(azay)
    here = {"lat": LAT, "lon": LON}
    answer = client.post("/api/v1/tickets/1/steps", json={"step": "arrive", "presence": here})
    assert answer.status_code == 200
    assert azay.ticket().on_site_proof == "position 46 m"
    azay.restore("a1")
    azay.pass_time(MINUTE)
    report = {"step": "close", "cause": "disjoncteur", "action": "réarmé"}
    assert client.post("/api/v1/tickets/1/steps", json=report).status_code == 200
    assert azay.ticket().state is TicketState.CLOSED
    azay.database.close()
    kept = b"".join(path.read_bytes() for path in azay.folder.glob("fleet.db*"))
    for number in (LAT, LON):
        assert str(number)[:7].encode() not in kept
