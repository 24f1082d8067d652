from dataclasses import replace
from fractions import Fraction

from sqlalchemy import insert

from fleet.durations import HOUR_US
from fleet.incidents.tables import incident_gateways, incidents
from fleet.reports.interventions import interventions, pauses_table, tickets_by_gateway, tickets_table
from fleet.reports.names import TicketSpan
from fleet.tickets.model import FieldReport, Pause, PauseReason
from fleet.tickets.statistics import statistics
from fleet.tickets.tables import tickets
from tests.unit.fleet.founded import EUIS, empty_database
from tests.unit.fleet.tickets.test_rules import CLOSED, T0

REPORT = FieldReport(cause="Disjoncteur", action="réarmé")


def test_rates_misses_and_causes_are_those_of_the_tickets() -> None:
    kept = replace(CLOSED, on_site_at_us=T0 + HOUR_US, restored_at_us=T0 + 2 * HOUR_US, report=REPORT)
    late = replace(kept, id=2, on_site_at_us=T0 + 5 * HOUR_US, restored_at_us=T0 + 6 * HOUR_US)
    clocks, misses, causes = interventions(statistics([kept, late], T0 + 9 * HOUR_US))
    assert clocks.rows[1][1:6] == (1, 0, 1, 0, Fraction(1, 2))
    assert misses.rows == (("n° 2", "Azay", "intervention sous 4 h", HOUR_US, 0),)
    assert causes.rows == (("disjoncteur", 2),)


def test_each_pause_is_listed_with_who_and_why() -> None:
    pause = Pause(from_us=T0, until_us=T0 + HOUR_US, reason=PauseReason.OWNER_ABSENT, who="Anne", note="clé")
    paused = replace(CLOSED, pauses=(pause, replace(pause, until_us=None)))
    rows = pauses_table([paused]).rows
    assert rows[0] == ("n° 1", "Azay", T0, T0 + HOUR_US, HOUR_US, "Propriétaire absent", "Anne", "clé")
    assert rows[1][3:5] == (None, None)
    assert pauses_table([CLOSED]).rows == ()


def test_each_ticket_is_listed_with_its_instants() -> None:
    ticket = replace(CLOSED, report=REPORT)
    table = tickets_table([ticket], T0 + 9 * HOUR_US)
    (row,) = table.rows
    assert row[0] == "n° 1"
    assert row[3:7] == (
        ticket.reported_at_us,
        ticket.acknowledged_at_us,
        ticket.on_site_at_us,
        ticket.restored_at_us,
    )
    assert row[-2:] == ("Disjoncteur", "réarmé")
    titles = [column.title for column in table.columns]
    assert titles[8:14] == [
        "Intervention après",
        "Intervention, limite",
        "Intervention, délai",
        "Résolution après",
        "Résolution, limite",
        "Résolution, délai",
    ]


def test_each_ticket_is_measured_against_4_h_and_1_or_2_days() -> None:
    kept = replace(CLOSED, on_site_at_us=T0 + HOUR_US, restored_at_us=T0 + 2 * HOUR_US)
    late = replace(kept, id=2, on_site_at_us=T0 + 5 * HOUR_US, restored_at_us=T0 + 50 * HOUR_US)
    remote = replace(kept, id=3, on_site_at_us=None)
    open_ = replace(CLOSED, id=4, on_site_at_us=None, restored_at_us=None)
    limit_us = CLOSED.resolution_limit_us
    rows = tickets_table([kept, late, remote, open_], T0 + HOUR_US).rows
    assert rows[0][8:14] == (HOUR_US, 4 * HOUR_US, True, 2 * HOUR_US, limit_us, True)
    assert rows[1][8:14] == (5 * HOUR_US, 4 * HOUR_US, False, 50 * HOUR_US, limit_us, False)
    assert rows[2][8:11] == (2 * HOUR_US, 4 * HOUR_US, True)
    assert rows[3][8:14] == (None, 4 * HOUR_US, None, None, limit_us, None)


def test_an_empty_month_has_no_rate() -> None:
    clocks, misses, causes = interventions(statistics([], T0))
    assert clocks.rows[1][5] is None
    assert (misses.rows, causes.rows) == ((), ())


def test_tickets_by_gateway_are_those_of_the_window(tmp_path) -> None:
    database = empty_database(tmp_path)
    with database.write() as connection:
        for number, (since_us, restored_us, merged_into) in enumerate(
            [(0, 10, None), (5, 20, None), (15, None, 2), (30, None, None)], start=1
        ):
            incident = {"id": number, "state": "open", "domain": "power", "value": "F1"}
            incident |= {"criticality": "urgent", "reason": "", "communes": [], "began_at_us": since_us}
            connection.execute(insert(incidents).values(incident | {"opened_at_us": since_us}))
            member = {"incident_id": number, "eui": EUIS[0], "since_us": since_us, "restored_us": restored_us}
            connection.execute(insert(incident_gateways).values(member))
            ticket = {"id": number, "incident_id": number, "origin": "telemetry", "title": "t", "state": "x"}
            ticket |= {"criticality": "urgent", "resolution_limit_us": 1, "began_at_us": since_us}
            ticket |= {"reported_at_us": since_us, "merged_into": merged_into}
            connection.execute(insert(tickets).values(ticket))
        found = tickets_by_gateway(connection, 10, 30)
    database.close()
    assert found == {
        EUIS[0]: (
            TicketSpan(number=2, since_us=5, until_us=20),
            TicketSpan(number=2, since_us=15, until_us=None),
        )
    }
