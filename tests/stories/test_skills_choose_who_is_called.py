from tests.stories.pages import client_of
from tests.stories.world import MINUTE, World


def on_duty(world: World, *people: tuple[str, int, list[str]]) -> None:
    for name, level, skills in people:
        world.people(name, skills=skills)
        mail = f"{name.split()[0].lower()}@example.fr"
        world.duty({"person": mail, "from": "2026-11-01", "until": "2026-12-01", "level": level})


def lose_the_church(world: World, *needs: str) -> None:
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.needs("a1", *needs)
    world.cycle()
    world.lose("a1")
    world.pass_time(3 * MINUTE)


def called(world: World) -> list[str]:
    return [one.address for one in world.postman.taken]


def test_who_may_climb_is_called_first_and_reads_what_to_bring(world: World) -> None:
    on_duty(world, ("Anne Martin", 1, []), ("Bruno Petit", 2, ["height_work"]))
    lose_the_church(world, "key", "height_work")
    assert called(world) == ["bruno@example.fr"]
    assert "À prévoir : clé à prendre, travail en hauteur" in world.postman.taken[0].text.replace(
        "\u202f", " "
    )
    world.pass_time(10 * MINUTE)
    assert called(world)[1:] == ["anne@example.fr"]


def test_a_place_that_takes_nobody_special_calls_the_first_level(world: World) -> None:
    on_duty(world, ("Anne Martin", 1, []), ("Bruno Petit", 2, ["height_work"]))
    lose_the_church(world, "key")
    assert called(world) == ["anne@example.fr"]


def test_nobody_trained_is_said_in_the_message_and_on_the_ticket(world: World) -> None:
    on_duty(world, ("Anne Martin", 1, []))
    lose_the_church(world, "electrics")
    assert called(world) == ["anne@example.fr"]
    words = "personne d'astreinte n'est habilité : habilitation électrique"
    text = world.postman.taken[0].text.replace("\u202f", " ").replace("’", "'")
    assert words in text
    assert "SkillMissing" in world.trail()


def test_who_is_trained_comes_from_the_next_territory(world: World) -> None:
    world.people("Anne Martin", territories=["Touraine-Est Vallées"])
    world.people("Bruno Petit", territories=["41"], skills=["height_work"])
    lose_the_church(world, "height_work")
    assert called(world) == ["bruno@example.fr"]
    world.pass_time(10 * MINUTE)
    assert called(world)[1:] == ["anne@example.fr"]


def test_what_it_takes_stands_on_the_ticket(world: World) -> None:
    on_duty(world, ("Anne Martin", 1, []))
    lose_the_church(world, "key", "height_work")
    assert client_of(world).get("/api/v1/tickets/1").json()["needs"] == ["key", "height_work"]


def test_several_territories_are_all_told(world: World) -> None:
    world.people("Anne Martin", territories=["CC 1"])
    world.people("Bruno Petit", territories=["CC 2"])
    world.commune("37015", "Azay-sur-Cher", "a1", epci="CC 1", power_feeder="F1")
    world.commune("37281", "Vouvray", "b1", epci="CC 2", power_feeder="F1")
    world.cycle()
    world.lose("a1", "b1")
    world.pass_time(3 * MINUTE)
    assert len(world.open()) == 1
    assert sorted(called(world)) == ["anne@example.fr", "bruno@example.fr"]
