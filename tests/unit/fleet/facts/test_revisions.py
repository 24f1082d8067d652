"""A person's newest fact of an id counts, in whatever order the facts come."""

from dataclasses import replace
from itertools import permutations

from fleet.facts.model import Blindness, Commissioning, CommissioningKind, Maintenance
from fleet.facts.revisions import current, newest

WORKS = Maintenance(
    id="1", euis=("a",), start_us=10, end_us=20, announced_at_us=0, recorded_at_us=0, approved_by="noc"
)


def test_the_newest_revision_of_each_id_counts_in_the_order_of_ids():
    later, other = replace(WORKS, recorded_at_us=1, end_us=15), replace(WORKS, id="0")
    for order in permutations([WORKS, later, other]):
        assert newest(order) == current(order) == [other, later]


def test_of_one_instant_the_one_that_takes_back_counts_then_the_later_content():
    withdrawn, longer = replace(WORKS, withdrawn=True), replace(WORKS, end_us=30)
    for order in permutations([WORKS, withdrawn, longer]):
        assert newest(order) == [withdrawn]
        assert current(order) == []
    for order in permutations([WORKS, longer]):
        assert newest(order) == [longer]


def test_each_kind_of_fact_is_taken_back_in_its_own_way():
    accepted = Commissioning(
        id="1", eui="a", kind=CommissioningKind.ACCEPTED, at_us=0, recorded_at_us=0, who="noc"
    )
    assert current([accepted, replace(accepted, id="2", void=True)]) == [accepted]
    blind = Blindness(id="1", start_us=0, end_us=5, path="fleet", reason="", recorded_at_us=0)
    assert current([blind]) == [blind]
