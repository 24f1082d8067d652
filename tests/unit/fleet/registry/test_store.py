import copy

import msgspec
from sqlalchemy import select

from fleet.registry import document, store
from fleet.registry.model import Status
from fleet.registry.tables import commissioning, hangings
from tests.unit.fleet.founded import DOCUMENT, EUIS, NOW_US, founded_database


def import_again(database, changed, now_us):
    with database.write() as connection:
        read = document.read_document(msgspec.json.encode(changed), store.known_keys(connection))
        assert read.problems == []
        return store.apply_document(connection, read, who="test", now_us=now_us)


def test_the_registry_is_read_back(tmp_path):
    with founded_database(tmp_path).read() as connection:
        registry = store.load_registry(connection)
    assert set(registry.gateways) == set(EUIS)
    azay = registry.gateways[EUIS[1]]
    assert (azay.status, azay.accepted_at_us, azay.power_feeder) == (Status.ACCEPTED, NOW_US, "F1")
    assert registry.gateways[EUIS[2]].accepted_at_us is None
    assert {(row.commune_insee, row.eui) for row in registry.memberships} == {
        ("37281", EUIS[0]),
        ("37015", EUIS[1]),
        ("37015", EUIS[2]),
    }


def test_importing_again_changes_nothing(tmp_path):
    database = founded_database(tmp_path)
    with database.read() as connection:
        before = store.load_registry(connection)
    import_again(database, DOCUMENT, NOW_US + 5)
    with database.read() as connection:
        assert store.load_registry(connection) == before
        assert len(connection.execute(select(hangings)).all()) == 3
        assert len(connection.execute(select(commissioning)).all()) == 2


def test_a_box_that_moves_ends_one_hanging_and_begins_another(tmp_path):
    database = founded_database(tmp_path)
    changed = copy.deepcopy(DOCUMENT)
    changed["gateways"][0]["site_key"] = "azay-eglise"
    import_again(database, changed, NOW_US + 9)
    with database.read() as connection:
        query = select(hangings.c.from_at_us, hangings.c.until_at_us).where(hangings.c.eui == EUIS[0])
        assert connection.execute(query.order_by(hangings.c.id)).all() == [
            (NOW_US, NOW_US + 9),
            (NOW_US + 9, None),
        ]


def test_withdrawal_by_import_is_a_fact(tmp_path):
    database = founded_database(tmp_path)
    changed = copy.deepcopy(DOCUMENT)
    changed["gateways"][0]["status"] = "withdrawn"
    import_again(database, changed, NOW_US + 9)
    with database.read() as connection:
        query = select(commissioning.c.kind, commissioning.c.at_us).where(commissioning.c.eui == EUIS[0])
        assert connection.execute(query.order_by(commissioning.c.id)).all() == [
            ("accepted", NOW_US),
            ("withdrawn", NOW_US + 9),
        ]
