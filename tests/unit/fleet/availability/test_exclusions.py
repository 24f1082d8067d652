"""The figures without exclusions: which spans excuse, and that UNKNOWN is charged there."""

from dataclasses import replace

import pytest

from fleet.availability.communes import commune_timeline
from fleet.availability.exclusions import without_exclusions
from fleet.availability.figures import commune_figures
from fleet.availability.timeline import WITHDRAWN, Span
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause, GatewayState
from tests.unit.fleet.availability.test_communes import WINDOW, line, member

MEMBERS = {"37015": [member("a")]}
CONTRACT = replace(DEFAULTS, unknown_is_charged=False)


def both(*spans):
    """Return what is charged of a commune with one gateway: by the contract, and without exclusions."""
    lines = {"a": line("a", *spans)}
    whole = [(WINDOW.start_us, WINDOW.end_us)]
    figures = commune_figures(
        commune_timeline("37015", MEMBERS["37015"], lines, WINDOW, CONTRACT, allowed=whole), CONTRACT
    )
    strict = without_exclusions({"37015": figures}, MEMBERS, lines, (), window=WINDOW, settings=CONTRACT)
    return figures.share.charged, strict["37015"].share.charged


@pytest.mark.parametrize(
    ("span", "charged"),
    [
        (Span(100, 300, GatewayState.DOWN), (200, 200)),
        (Span(100, 300, GatewayState.MAINTENANCE, Cause.OURS), (0, 200)),
        (Span(100, 1000, GatewayState.OUT, reason=WITHDRAWN), (0, 900)),
        (Span(0, 300, GatewayState.OUT, reason=WITHDRAWN), (0, 0)),
        (Span(1, 300, GatewayState.OUT, reason=WITHDRAWN), (0, 299)),
        (Span(100, 300, GatewayState.OUT), (0, 0)),
        (Span(100, 300, GatewayState.UNKNOWN, Cause.OURS), (0, 200)),
    ],
)
def test_what_excuses_by_the_contract_and_what_it_hides(span, charged):
    assert both(span) == charged
