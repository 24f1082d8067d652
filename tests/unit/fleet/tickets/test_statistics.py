from dataclasses import replace

from fleet.durations import HOUR_US
from fleet.tickets.model import FieldReport, Origin, TicketState
from fleet.tickets.statistics import statistics
from tests.unit.fleet.tickets.test_rules import CLOSED, MERGED, REPORTED, T0

NOW = T0 + 10 * HOUR_US


def test_each_ticket_counts_once_and_each_clock_where_it_stands() -> None:
    report = FieldReport(cause="Disjoncteur ", action="réarmé")
    visited = replace(
        CLOSED,
        acknowledged_at_us=T0 + HOUR_US,
        on_site_at_us=T0 + 3 * HOUR_US,
        restored_at_us=T0 + 5 * HOUR_US,
        report=report,
    )
    tickets = [
        visited,
        replace(visited, id=2, on_site_at_us=T0 + 5 * HOUR_US),
        replace(CLOSED, id=3, restored_at_us=T0 + HOUR_US),
        replace(REPORTED, id=4, reported_at_us=NOW - HOUR_US, origin=Origin.PHONE),
        replace(MERGED, id=5),
    ]
    found = statistics(tickets, NOW)
    assert found.tickets == 4
    assert found.by_cause == {"disjoncteur": 2, "remote": 1, "open": 1}
    assert found.by_origin == {"telemetry": 3, "phone": 1}
    assert (found.intervention.met, found.intervention.met_remotely) == (1, 1)
    assert (found.intervention.missed, found.intervention.running) == (1, 1)
    assert found.intervention.kept_of == (2, 3)
    assert found.to_acknowledge.median_us == HOUR_US
    assert (found.to_site.count, found.to_site.longest_us) == (2, 5 * HOUR_US)
    (miss,) = found.misses
    assert (miss.ticket_id, miss.clock, miss.late_us) == (2, "intervention", HOUR_US)


def test_an_empty_month() -> None:
    found = statistics([], NOW)
    assert (found.tickets, found.misses, found.to_site.median_us) == (0, (), None)
    assert found.intervention.kept_of == (0, 0)


def test_median_and_ninth_decile_are_times_that_were_measured() -> None:
    tickets = [
        replace(CLOSED, id=number, restored_at_us=T0 + number, state=TicketState.CLOSED)
        for number in range(1, 11)
    ]
    found = statistics(tickets, NOW).to_restore
    assert (found.median_us, found.ninth_decile_us, found.longest_us) == (5, 9, 10)
