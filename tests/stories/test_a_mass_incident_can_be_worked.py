"""What one cause hits is listed, filtered, ordered, exported; nobody is sent to a random town hall."""

import re

import pytest
from fastapi.testclient import TestClient

from tests.stories.pages import pages_of
from tests.stories.world import MINUTE, World

COUNT = 8


@pytest.fixture
def client(world: World) -> TestClient:
    world.people("Anne Martin")
    names = ["Étampes", "Esvres", "Azay", "Ballan", "Vouvray", "Véretz", "Monnaie", "Larçay"]
    for number, name in enumerate(names):
        world.commune(f"3700{number}", name, f"g{number}", backhaul_operator="Orange", epci=f"E{number}")
    world.commune("37100", "Tours", *(f"t{number}" for number in range(5)), backhaul_operator="SFR")
    world.cycle()
    world.lose(*(f"g{number}" for number in range(COUNT)))
    world.pass_time(3 * MINUTE)
    return pages_of(world)


def rows(page: str) -> list[str]:
    return [row.strip() for row in re.findall(r'<th scope="row">.*?>([^<]+)</a>', page, re.DOTALL)]


def test_its_page_counts_and_leads_to_the_lists_and_offers_no_road(client: TestClient) -> None:
    page = client.get("/tickets/1").text
    assert "8 passerelles touchées" in page
    assert "8 communes touchées" in page
    assert "geo:" not in page
    assert "Itinéraire" not in page


def test_its_gateways_are_filtered_ordered_and_exported(client: TestClient, world: World) -> None:
    world.restore("g0")
    world.pass_time(MINUTE)
    assert len(rows(client.get("/tickets/1/passerelles").text)) == COUNT
    assert len(rows(client.get("/tickets/1/passerelles?etat=lost").text)) == COUNT - 1
    assert len(rows(client.get("/tickets/1/passerelles?q=etampes").text)) == 1
    export = client.get("/tickets/1/passerelles?csv=1&tri=-commune")
    assert export.headers["content-type"].startswith("text/csv")
    lines = export.text.splitlines()[1:]
    assert len(lines) == COUNT
    assert ["Vouvray" in lines[0], "Azay" in lines[-1]] == [True, True]
    assert sum("Rétablie" in line for line in lines) == 1


def test_its_communes_are_ordered_as_french_has_it(client: TestClient) -> None:
    page = client.get("/tickets/1/communes?tri=name").text
    found = rows(page)
    assert found == sorted(found, key=lambda name: name.replace("É", "E").replace("é", "e"))
    assert found.index("Esvres") < found.index("Étampes")
    assert "Tours" not in found
    assert client.get("/tickets/1/communes?csv=1").text.count("\n") == COUNT + 1


def test_each_gateways_page_shows_the_incident_with_its_clock(client: TestClient, world: World) -> None:
    eui = next(iter(world.gateways))
    page = client.get(f"/passerelles/{eui}").text
    notice = page.split('id="gateway-incident"')[1].split("</div>")[0]
    assert "Incident en cours" in notice
    assert "/tickets/1" in notice
    assert "reste 3 h 5" in notice.replace("\u202f", " ")


def test_a_ticket_without_an_incident_has_no_lists(client: TestClient) -> None:
    assert client.get("/tickets/99/passerelles").status_code == 404
