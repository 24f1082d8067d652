"""What an operator tries after the fact is refused, or stands in the list of what people did."""

import pytest

from fleet.availability.people import ChangeKind
from passerelle.benches.contract import tricks
from passerelle.benches.contract.stage import X, Y
from passerelle.benches.contract.tricks import TRICKS, Outcome, compare, played

VISIBLE = {
    tricks.blanket_works_past_the_door,  # seconds in its first four hours, announced 80 h ahead
    tricks.crumbs_of_works,
    tricks.corrected_by_two,
    tricks.withdrawn_by_two,
}
TWELVE = 12


@pytest.fixture(scope="module")
def honest():
    return played(None)


def test_the_month_that_is_tried_has_something_to_improve(honest):
    assert all(0.99 < honest.ratios[name] < 0.9999 for name in ("", X, Y))
    assert len(TRICKS) >= TWELVE


@pytest.mark.slow
@pytest.mark.parametrize("trick", TRICKS, ids=lambda trick: trick.__name__)
def test_a_trick_is_refused_or_visible(trick, honest):
    expected = Outcome.VISIBLE if trick in VISIBLE else Outcome.REFUSED
    assert compare(honest, played(trick)) is expected


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trick", "kind"),
    [
        (tricks.withdrawn_after_each_loss, ChangeKind.WITHDRAWN),
        (tricks.backdated_announcement, ChangeKind.WORKS_ANNOUNCED),
        (tricks.backdated_acceptance, ChangeKind.ACCEPTED),
        (tricks.causes_stated, ChangeKind.CAUSE_STATED),
        (tricks.corrected_by_two, ChangeKind.SNAPSHOT_CORRECTED),
    ],
)
def test_what_was_tried_is_listed_even_where_it_was_refused(trick, kind):
    found = [one for one in played(trick).people if one.kind is kind]
    assert found
    assert all(one.who for one in found)


def test_a_trick_that_improves_a_figure_and_is_listed_nowhere_would_be_found(honest):
    better = {name: None if ratio is None else ratio + 1 for name, ratio in honest.ratios.items()}
    assert compare(honest, tricks.Ending(better, honest.people)) is Outcome.UNSEEN
