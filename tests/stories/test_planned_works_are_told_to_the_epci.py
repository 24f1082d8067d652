from fleet.works import announce as works
from fleet.works.announce import Works
from tests.stories.world import DAY, HOUR, MINUTE, World


def announce(world: World) -> int:
    with world.database.write() as connection:
        planned = Works(
            euis=("a1",),
            from_us=world.clock.at_us + 4 * DAY,
            until_us=world.clock.at_us + 4 * DAY + 2 * HOUR,
            reason="Remplacement de l'antenne",
        )
        works.announce(connection, planned, who="NOC", now_us=world.clock.at_us)
    return 1


def test_told_once_and_told_again_when_withdrawn(azay: World) -> None:
    azay.people("Contact EPCI", skills=["contact"], territories=["Touraine-Est Vallées"])
    azay.people("Autre EPCI", skills=["contact"], territories=["Val d'Amboise"])
    number = announce(azay)
    azay.cycle()
    azay.pass_time(HOUR)
    assert [one.address for one in azay.postman.taken] == ["contact@example.fr"]
    assert "Travaux planifiés du jeu. 26 nov. 2026, 02:13" in azay.mails()[0]
    assert "Azay-sur-Cher" in azay.postman.taken[0].text
    with azay.database.write() as connection:
        works.withdraw(connection, number, who="NOC", now_us=azay.clock.at_us)
    azay.cycle()
    assert azay.mails()[1].startswith("Annulation des travaux")


def test_withdrawn_before_anybody_was_told_is_told_to_nobody(azay: World) -> None:
    azay.people("Contact EPCI", skills=["contact"], territories=["Touraine-Est Vallées"])
    number = announce(azay)
    with azay.database.write() as connection:
        works.withdraw(connection, number, who="NOC", now_us=azay.clock.at_us)
    azay.cycle()
    assert azay.written() == 0


def test_a_contact_is_never_called_for_an_outage(azay: World) -> None:
    azay.people("Contact EPCI", skills=["contact"], territories=["Touraine-Est Vallées"])
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    assert [one.address for one in azay.postman.taken] == ["anne@example.fr"]
