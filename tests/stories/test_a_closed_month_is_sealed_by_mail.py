from dataclasses import replace

from sqlalchemy import insert, select

from fleet.months.closing import Version, seal_of
from fleet.months.tables import month_seals_mailed, month_versions
from fleet.months.versions import store_version
from tests.stories.world import HOUR, World

FIGURES = {"whole": {"availability_percent": "99.9812"}, "code": "x"}
VERSION = Version(
    month="2026-10", number=1, hash="a" * 64, facts=(b"{}\n",), figures=FIGURES, difference={}, seal="?"
)


def close(world: World) -> str:
    sealed = replace(VERSION, seal=seal_of(VERSION))
    with world.database.write() as connection:
        store_version(connection, sealed, who="passerelle", now_us=world.clock.at_us)
    return sealed.seal


def test_each_member_has_the_seal_once(azay: World) -> None:
    azay.people("Contact EPCI", skills=["contact"], territories=["Touraine-Est Vallées"])
    azay.people("Autre EPCI", skills=["contact"], territories=["Val d'Amboise"])
    seal = close(azay)
    azay.cycle()
    azay.pass_time(HOUR)
    assert [one.address for one in azay.postman.taken] == ["contact@example.fr"]
    assert azay.mails()[0].startswith("Le mois 2026-10 est clos")
    assert seal in azay.postman.taken[0].text
    assert "99.9812" in azay.postman.taken[0].text


def test_a_version_that_nobody_could_be_told_of_is_noted(azay: World) -> None:
    close(azay)
    azay.cycle()
    with azay.database.read() as connection:
        assert connection.execute(select(month_seals_mailed.c.mails)).scalars().all() == [0]


def test_a_version_of_an_older_program_has_no_seal_and_no_mail(azay: World) -> None:
    azay.people("Contact EPCI", skills=["contact"], territories=["Touraine-Est Vallées"])
    row = {"month": "2026-09", "version": 1, "closed_at_us": 1, "closed_by": "x", "hash": "b" * 64}
    row |= {"facts": b"", "figures": {}, "difference": {}}
    with azay.database.write() as connection:
        connection.execute(insert(month_versions).values(row))
    azay.cycle()
    assert azay.written() == 0
