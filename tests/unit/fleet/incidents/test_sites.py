"""Which sites a ticket is about: the named one, those of lost gateways, those of restored ones."""

import pytest

from fleet.incidents.sites import TicketSites


@pytest.mark.parametrize(
    ("named", "lost", "restored", "all_", "to_work_at"),
    [
        ((), (), (), (), ()),
        ((1,), (), (), (1,), (1,)),
        ((1,), (2, 1), (3,), (1, 2, 3), (1, 2)),
        ((), (2,), (3,), (2, 3), (2,)),
        ((), (), (3, 4), (3, 4), (3, 4)),
    ],
)
def test_work_is_left_where_a_gateway_is_lost(
    named: tuple[int, ...],
    lost: tuple[int, ...],
    restored: tuple[int, ...],
    all_: tuple[int, ...],
    to_work_at: tuple[int, ...],
) -> None:
    sites = TicketSites(named=named, lost=lost, restored=restored)
    assert (sites.all, sites.to_work_at) == (all_, to_work_at)
