from tests.stories.world import DAY, HOUR, World


def planned(world: World, until: str) -> None:
    world.people("Anne Martin")
    world.people("Paul Chef", skills=["planner"])
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.duty({"person": "anne@example.fr", "from": "2026-11-01", "until": until})
    world.cycle()


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace("’", "'")


def test_one_mail_when_the_gap_comes_into_sight_and_not_again(world: World) -> None:
    planned(world, "2026-12-12T08:00")
    world.pass_time(2 * DAY)
    assert world.postman.taken == []
    world.pass_time(9 * DAY)
    (mail,) = world.postman.taken
    assert mail.address == "paul@example.fr"
    assert "Astreinte : 1 manque" in plain(mail.subject)
    assert "Personne au niveau 1 : à partir du sam. 12 déc. 2026, 08:00" in plain(mail.text)
    assert "https://passerelle.example/astreinte" in mail.text


def test_it_is_told_again_when_it_changes(world: World) -> None:
    planned(world, "2026-11-30T08:00")
    world.pass_time(DAY)
    world.duty({"person": "anne@example.fr", "from": "2026-11-30T20:00", "until": "2027-12-01"})
    world.pass_time(2 * DAY)
    assert [one.address for one in world.postman.taken] == ["paul@example.fr"]
    world.people("Bruno Petit")
    world.duty(
        {
            "person": "bruno@example.fr",
            "from": "2026-12-01",
            "until": "2026-12-02",
            "override": True,
            "level": 2,
        }
    )
    world.pass_time(DAY)
    assert len(world.postman.taken) == 2
    assert "niveau 2" in world.postman.taken[1].text


def test_a_skill_that_nobody_on_call_has_is_a_gap(world: World) -> None:
    planned(world, "2027-12-01")
    world.needs("a1", "height_work", "key")
    world.pass_time(DAY)
    (mail,) = world.postman.taken
    assert "Personne d'habilité (travail en hauteur)" in plain(mail.text)


def test_a_land_that_nobody_on_call_covers_is_a_gap(world: World) -> None:
    planned(world, "2027-12-01")
    world.people("Anne Martin", territories=["41"])
    world.pass_time(DAY)
    (mail,) = world.postman.taken
    assert "Personne pour Touraine-Est Vallées" in plain(mail.text)


def test_without_an_owner_it_is_on_the_main_courante(world: World) -> None:
    from fleet.shift import log as shift

    world.people("Anne Martin")
    world.duty({"person": "anne@example.fr", "from": "2026-11-01", "until": "2026-11-25"})
    world.cycle()
    world.pass_time(9 * HOUR)
    with world.reading() as connection:
        (entry,) = shift.open_entries(connection)
    assert "Astreinte" in entry.text
    assert world.postman.taken == []


def test_a_plan_that_nobody_has_begun_has_no_gap(world: World) -> None:
    world.people("Paul Chef", skills=["planner"])
    world.cycle()
    world.pass_time(3 * DAY)
    assert world.written() == 0
