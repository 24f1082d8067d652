"""What the network stands on: when any of it changes, all is computed anew."""

from dataclasses import replace

import pytest

from fleet.facts.model import Blindness
from fleet.live.network import Ground, coverage_of
from fleet.registry.store import load_registry
from tests.unit.fleet.founded import founded_database


@pytest.fixture
def registry(tmp_path):
    with founded_database(tmp_path).read() as connection:
        return load_registry(connection)


def test_it_is_the_same_only_if_registry_sight_month_and_edges_are(registry):
    ground = Ground(registry, (), "2026-11", 3)
    assert ground.same(ground)
    assert ground.same(replace(ground))
    assert not ground.same(None)
    others = (
        replace(ground, registry=replace(registry)),
        replace(
            ground,
            sight=(Blindness(id="b", start_us=1, end_us=2, path="broker", reason="x", recorded_at_us=2),),
        ),
        replace(ground, month="2026-12"),
        replace(ground, epoch=4),
    )
    assert [ground.same(other) for other in others] == [False] * 4


def test_a_coverage_knows_members_communes_and_the_edges_between_which_nothing_changes(registry):
    first = registry.memberships[0]
    ended = replace(
        registry,
        memberships=(
            replace(first, id="m1", valid_from_us=5, valid_to_us=9),
            replace(first, id="m2", valid_from_us=9),
        ),
    )
    coverage = coverage_of(ended)
    assert coverage.edges == (5, 9)
    assert [row.valid_from_us for row in coverage.members[first.commune_insee]] == [5, 9]
    assert set(coverage.communes_of) == {first.eui}
