"""Bounds of a territory on statements of every form: what is outside is neither read, changed nor taken."""

import pytest
from sqlalchemy import Text, cast, delete, exists, func, insert, literal, select, text, union_all, update

from fleet.db.base import metadata
from fleet.db.bounded import BoundedDatabase, OutOfReach
from fleet.db.schema import load_tables
from fleet.db.upsert import insert_new, upsert
from fleet.evidence.tables import maintenances, refused_messages
from fleet.months.tables import month_versions
from fleet.registry.tables import communes, gateways, memberships, sites
from fleet.territory.bounds import reach_of
from tests.unit.fleet.founded import EUIS, founded_database

INSIDE, OUTSIDE = "37281", "37015"
OWN, FOREIGN = EUIS[0], EUIS[1]


@pytest.fixture
def whole(tmp_path):
    database = founded_database(tmp_path)
    yield database
    database.close()


@pytest.fixture
def part(whole):
    with whole.read() as connection:
        rows = connection.execute(select(communes)).all()
    reach = reach_of("anne", [INSIDE], rows, whole.dialect)
    return BoundedDatabase(whole, reach.bounds())


def test_every_table_says_whose_its_rows_are():
    load_tables()
    assert set(reach_of("anne", [], [], "sqlite").bounds()) == set(metadata.tables)


g, s = gateways.alias("g"), sites.alias("s")
QUERIES = {
    "plain": select(gateways.c.eui),
    "an alias": select(g.c.eui),
    "a join": select(gateways.c.eui).join(sites, sites.c.id == gateways.c.site_id),
    "aliases joined": select(g.c.eui).join_from(g, s, s.c.id == g.c.site_id),
    "an outer join": select(gateways.c.eui).outerjoin(sites, sites.c.id == gateways.c.site_id),
    "a subquery": select(select(gateways.c.eui).subquery().c.eui),
    "a common table expression": select(select(gateways.c.eui).cte().c.eui),
    "a union": union_all(select(gateways.c.eui), select(g.c.eui)).order_by("eui"),
    "an expression": select(select(func.max(gateways.c.eui)).scalar_subquery()),
    "inside a condition": select(gateways.c.eui).where(
        gateways.c.eui.in_(select(memberships.c.eui).where(memberships.c.commune_insee != ""))
    ),
    "correlated": select(memberships.c.eui).where(
        exists(select(literal(1)).where(gateways.c.eui == memberships.c.eui))
    ),
}


@pytest.mark.parametrize("form", QUERIES)
def test_a_query_of_any_form_reads_the_part(whole, part, form):
    with whole.read() as connection:
        everything = set(connection.scalars(QUERIES[form]))
    with part.read() as connection:
        assert set(connection.scalars(QUERIES[form])) == {OWN}
    assert everything - {OWN}


def test_counting_counts_the_part(part):
    with part.read() as connection:
        assert connection.scalar(select(func.count()).select_from(gateways)) == 1


def test_updates_and_deletions_find_nothing_outside(whole, part):
    with part.write() as connection:
        assert connection.execute(update(gateways).values(antenna="x")).rowcount == 1
        foreign = gateways.c.eui == FOREIGN
        assert connection.execute(update(gateways).where(foreign).values(antenna="x")).rowcount == 0
        assert connection.execute(delete(memberships)).rowcount == 1
    with whole.read() as connection:
        assert set(connection.scalars(select(gateways.c.eui).where(gateways.c.antenna == "x"))) == {OWN}
        assert set(connection.scalars(select(memberships.c.commune_insee))) == {OUTSIDE}


MEMBER = {"commune_insee": INSIDE, "valid_from_at_us": 1, "approved_by": "x", "recorded_at_us": 1}
WORKS = {
    "from_at_us": 1,
    "until_at_us": 2,
    "announced_at_us": 1,
    "approved_by": "x",
    "reason": "x",
    "withdrawn": False,
    "recorded_at_us": 1,
}


@pytest.mark.parametrize(
    "statement",
    [
        insert(memberships).values(MEMBER | {"eui": OWN, "commune_insee": OUTSIDE}),
        insert(memberships).values(MEMBER | {"eui": FOREIGN}),
        insert(memberships).values([MEMBER | {"eui": OWN}, MEMBER | {"eui": FOREIGN}]),
        insert(memberships).from_select(["eui"], select(gateways.c.eui)),
        insert(maintenances).values(WORKS | {"euis": [OWN, FOREIGN]}),
        insert(communes).values(insee="37999", name="x"),
        select(month_versions),
        select(month_versions.c.facts),
        select(cast(month_versions.c.figures, Text)),
        select(month_versions.c.figures["code"]),
        select(func.length(month_versions.c.facts).label("size")),
        select(month_versions.alias("m").c.figures),
        text("SELECT eui FROM gateways"),
        update(refused_messages).values(reason=""),
    ],
    ids=str,
)
def test_what_reaches_outside_is_refused(part, statement):
    with pytest.raises(OutOfReach), part.write() as connection:
        connection.execute(statement)


def test_rows_by_parameters_are_bounded_too(whole, part):
    with pytest.raises(OutOfReach), part.write() as connection:
        connection.execute(insert(memberships), [MEMBER | {"eui": OWN}, MEMBER | {"eui": FOREIGN}])
    with part.write() as connection:
        connection.execute(insert(memberships), [MEMBER | {"eui": OWN}])


def test_a_gateway_or_site_of_elsewhere_is_not_taken_over(part):
    with part.read() as connection:
        mine = connection.scalars(select(sites.c.id)).one()
    row = {"eui": FOREIGN, "name": "x", "site_id": mine, "status": "planned"}
    with pytest.raises(OutOfReach), part.write() as connection:
        upsert(connection, gateways, [row], key=("eui",))
    site = {"key": "azay-eglise", "name": "x", "commune_insee": INSIDE}
    with pytest.raises(OutOfReach), part.write() as connection:
        upsert(connection, sites, [site], key=("key",))
    with part.write() as connection:
        assert insert_new(connection, gateways, [row | {"eui": "0016c001f1ffffff"}]) == 1
        upsert(connection, sites, [site | {"key": "new"}], key=("key",))


def test_works_are_seen_with_one_gateway_and_withdrawn_with_all(whole, part):
    with whole.write() as connection:
        for euis in ([OWN, FOREIGN], [FOREIGN], [OWN]):
            connection.execute(insert(maintenances).values(WORKS | {"euis": euis}))
    with part.write() as connection:
        seen = list(connection.scalars(select(maintenances.c.euis).order_by(maintenances.c.id)))
        assert seen == [[OWN, FOREIGN], [OWN]]
        assert connection.execute(update(maintenances).values(withdrawn=True)).rowcount == 1


def test_a_territory_of_an_epci_is_its_communes():
    rows = [
        type("Row", (), {"insee": insee, "epci": epci, "departement": departement})
        for insee, epci, departement in (("1", "A", "37"), ("2", "B", "37"), ("3", "B", "41"))
    ]
    assert reach_of("x", ["B"], rows, "sqlite").insees == {"2", "3"}
    assert reach_of("x", ["37"], rows, "sqlite").insees == {"1", "2"}
    assert reach_of("x", ["nowhere"], rows, "sqlite").insees == frozenset()
