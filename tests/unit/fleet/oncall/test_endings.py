"""Ends of credentials, told once a step: to the owner of the plan, else in the main courante."""

import pytest
from sqlalchemy import select

from fleet.durations import DAY_US
from fleet.identity.ends import Credential, endings
from fleet.notify.tables import outbox
from fleet.oncall.store import import_people
from fleet.paging.plan_gaps import tell_ends, worded_end
from fleet.shift.tables import shift_entries
from tests.unit.fleet.founded import NOW_US, founded_database

NAMES = ("ca", "broker", "fleet", "smtp", "sms", "glpi")
DAYS = {61: 0, 59: 1, 58: 0, 29: 1, 28: 0, 6: 1, 5: 0, -1: 0}
"""Looks, by days left, and what each tells anew."""
ENDS_AT_US = NOW_US + 100 * DAY_US


def ending(days, name="ca"):
    one = Credential(name=name, begins_at_us=0, ends_at_us=ENDS_AT_US, renews_itself=False)
    return endings([one], ENDS_AT_US - days * DAY_US)


@pytest.fixture
def connection(tmp_path):
    with founded_database(tmp_path).write() as connection:
        yield connection


def test_each_step_is_mailed_once_to_the_planner(connection):
    import_people(connection, [{"name": "Anne", "email": "anne@example.fr", "skills": ["planner"]}])
    assert {days: tell_ends(connection, ending(days), NOW_US) for days in DAYS} == DAYS
    assert len(list(connection.scalars(select(outbox.c.subject)))) == sum(DAYS.values())
    assert list(connection.scalars(select(shift_entries.c.id))) == []


def test_without_a_planner_the_main_courante_has_it(connection):
    assert {days: tell_ends(connection, ending(days), NOW_US) for days in DAYS} == DAYS
    assert len(list(connection.scalars(select(shift_entries.c.text)))) == sum(DAYS.values())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_credential_has_its_words(name, lang):
    (one,) = ending(6, name)
    message = worded_end(one, lang)
    assert one.ends_on in message.subject
    assert "6" in message.subject
    assert message.text.startswith(message.subject)
