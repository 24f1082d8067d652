import icalendar
import pytest

from fleet.oncall import store
from fleet.web.api.oncall import calendar_token
from tests.stories.pages import client_of
from tests.stories.world import World


def planned(world: World) -> World:
    world.people("Anne Martin", "Bruno Petit", phone="06 12 34 56 78")
    people = ["anne@example.fr", "bruno@example.fr"]
    world.duty({"rotation": "N1", "period": "weekly", "starts_on": "2026-11-16", "people": people})
    return world


def test_who_is_on_call_and_the_hole_before_the_rotation(world: World) -> None:
    found = client_of(planned(world)).get("/api/v1/on-call").json()
    assert [one["person"]["name"] for one in found["on_call"]] == ["Anne Martin"]
    assert found["on_call"][0]["person"]["phone"] == "+33612345678"
    assert found["holes"] == []


def test_the_calendar_needs_its_token_and_speaks_of_one_person(world: World) -> None:
    client = client_of(planned(world))
    assert client.get(f"/api/v1/on-call/calendar/1/{calendar_token(b's' * 32, 2)}.ics").status_code == 404
    text = client.get(f"/api/v1/on-call/calendar/1/{calendar_token(b's' * 32, 1)}.ics").content
    events = icalendar.Calendar.from_ical(text).walk("VEVENT")
    assert {str(one["summary"]) for one in events} == {
        "Astreinte niveau 1 : Anne Martin".replace(" :", "\u202f:")
    }
    assert len({str(one["uid"]) for one in events}) == len(events)


def test_an_override_over_the_api_takes_effect_and_a_wrong_one_names_its_field(world: World) -> None:
    client = client_of(planned(world))
    body = {"person": "bruno@example.fr", "from": "2026-11-22T02:00", "until": "2026-11-22T08:00"}
    assert client.post("/api/v1/on-call/overrides", json=body).status_code == 201
    assert client.get("/api/v1/on-call").json()["on_call"][0]["person"]["name"] == "Bruno Petit"
    wrong = client.post("/api/v1/on-call/overrides", json=body | {"until": "2026-11-22T01:00"})
    assert wrong.status_code == 422
    assert "until" in wrong.text
    assert "nobody" in client.post("/api/v1/on-call/overrides", json=body | {"person": "x@y"}).text


def test_hours_of_the_month(world: World) -> None:
    rows = client_of(planned(world)).get("/api/v1/on-call/hours").json()["people"]
    assert {row["name"] for row in rows} == {"Anne Martin", "Bruno Petit"}
    assert round(sum(row["hours"] for row in rows)) == 14 * 24 + 16


def test_the_sheet_for_pay_roll_is_one_that_french_excel_opens(world: World) -> None:
    answer = client_of(planned(world)).get("/api/v1/on-call/hours.csv")
    assert 'filename="astreinte-2026-11.csv"' in answer.headers["Content-Disposition"]
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "Personne;Heures;dont dimanches;dont jours fériés"
    assert lines[1].startswith("Anne Martin;")
    assert ",00;" in lines[1]


def test_a_weekly_rotation_that_names_nobody_of_ours_is_refused_with_its_path(world: World) -> None:
    world.people("Anne Martin")
    row = {"rotation": "N1", "starts_on": "2026-11-16", "people": ["x@example.fr"]}
    with pytest.raises(store.RowRefused, match=r"on_call\[0\].people: 'x@example.fr' is nobody"):
        world.duty(row)


def test_a_skill_that_is_not_known_is_refused_with_the_list(world: World) -> None:
    with pytest.raises(store.RowRefused, match=r"technicians\[0\].skills: 'hauteur' .* height_work"):
        world.people("Anne Martin", skills=["hauteur"])
