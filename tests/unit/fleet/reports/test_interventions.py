from dataclasses import replace
from fractions import Fraction

from fleet.reports.interventions import interventions
from fleet.tickets.model import HOUR_US, FieldReport
from fleet.tickets.statistics import statistics
from tests.unit.fleet.tickets.test_rules import CLOSED, T0

REPORT = FieldReport(cause="Disjoncteur", action="réarmé")


def test_rates_misses_and_causes_are_those_of_the_tickets() -> None:
    kept = replace(CLOSED, on_site_at_us=T0 + HOUR_US, restored_at_us=T0 + 2 * HOUR_US, report=REPORT)
    late = replace(kept, id=2, on_site_at_us=T0 + 5 * HOUR_US, restored_at_us=T0 + 6 * HOUR_US)
    clocks, misses, causes = interventions(statistics([kept, late], T0 + 9 * HOUR_US))
    assert clocks.rows[1][1:6] == (1, 0, 1, 0, Fraction(1, 2))
    assert misses.rows == (("n° 2", "Azay", "intervention sous 4 h", HOUR_US, 0),)
    assert causes.rows == (("disjoncteur", 2),)


def test_an_empty_month_has_no_rate() -> None:
    clocks, misses, causes = interventions(statistics([], T0))
    assert clocks.rows[1][5] is None
    assert (misses.rows, causes.rows) == ((), ())
