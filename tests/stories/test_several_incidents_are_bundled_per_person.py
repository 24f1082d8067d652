from tests.stories.world import MINUTE, World


def test_two_causes_at_once_are_one_mail_with_both_links(world: World) -> None:
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1", epci="E1", power_feeder="F1")
    world.commune("37281", "Vouvray", "v1", epci="E2", power_feeder="F2")
    world.lose("a1", "v1")
    world.pass_time(3 * MINUTE)
    assert len(world.open()) == 2
    (mail,) = world.postman.taken
    assert "(+ 1 autre)" in mail.subject.replace("\u202f", " ")
    assert mail.text.count("/a/") == 2
