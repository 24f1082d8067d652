"""Facts of many gateways are sorted by whom they concern, whatever order they come in."""

from itertools import permutations

from fleet.facts.model import Commissioning, CommissioningKind, Maintenance, gather


def test_gateways_stand_in_the_order_of_their_euis_and_each_has_its_own():
    accepted = [
        Commissioning(id=eui, eui=eui, kind=CommissioningKind.ACCEPTED, at_us=1, who="x", recorded_at_us=1)
        for eui in ("c", "a", "b")
    ]
    works = Maintenance(
        id="w", euis=("d", "a"), start_us=1, end_us=2, announced_at_us=0, approved_by="x", recorded_at_us=0
    )
    for order in permutations([*accepted, works]):
        found = gather(order)
        assert list(found.gateways) == ["a", "b", "c", "d"]
        assert [one.eui for one in found.gateways.values()] == ["a", "b", "c", "d"]
        assert [len(one.commissioning) for one in found.gateways.values()] == [1, 1, 1, 0]
        assert [one.maintenances for one in found.gateways.values()] == [(works,), (), (), (works,)]
