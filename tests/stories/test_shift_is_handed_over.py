import re

from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World


def test_what_is_open_is_listed_in_the_handover_until_it_is_settled(azay: World) -> None:
    client = client_of(azay)
    assert "Rien à suivre" in client.get("/main-courante").text
    client.post("/main-courante", data={"kind": "note", "text": "Enedis prévenu"})
    client.post("/main-courante", data={"kind": "follow", "text": "Rappeler la mairie"})
    azay.clock.at_us += MINUTE
    client.post("/main-courante/releve", data={"to": "Bruno", "words": "calme"})
    page = client.get("/main-courante").text
    assert re.search(r"→ Bruno · n° 2 · calme", page)
    assert client.post("/main-courante/2/regler").status_code == 200
    assert client.post("/main-courante/2/regler").status_code == 404
    assert "Rien à suivre" in client.get("/main-courante").text


def test_an_empty_entry_keeps_what_was_typed_and_names_the_field(azay: World) -> None:
    client = client_of(azay)
    assert client.post("/main-courante", data={"kind": "note", "text": " "}).status_code == 422
    answer = client.post("/main-courante", data={"kind": "note", "text": "x" * 2001})
    assert answer.status_code == 422
    assert "2001" in answer.text
    assert client.post("/main-courante/releve", data={"to": ""}).status_code == 422
