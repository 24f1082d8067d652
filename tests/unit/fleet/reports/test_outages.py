"""One outage is one row, with its evidence; settings in words."""

from dataclasses import fields, replace

import pytest

from fleet.availability.communes import CommuneSpan, CommuneTimeline
from fleet.availability.document import write
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause, CommuneState
from fleet.reports.names import Names, TicketSpan
from fleet.reports.outages import outages_of, outages_table
from fleet.reports.settings_words import WORDS, in_words, settings_table
from tests.unit.fleet.reports.test_reports import CARDS, GIVEN, TOLD

S = CommuneState


def line(*spans):
    made = tuple(CommuneSpan(start, end, state, Cause.POWER) for start, end, state in spans)
    return CommuneTimeline(insee="1", start_us=0, end_us=100, exceptions=made, below_two=())


@pytest.mark.parametrize(
    ("spans", "found"),
    [
        ([(0, 5, S.LOST), (5, 9, S.LOST)], [(0, 9)]),
        ([(0, 5, S.LOST), (5, 7, S.EXCLUDED), (7, 9, S.LOST)], [(0, 9)]),
        ([(0, 5, S.UNKNOWN), (5, 9, S.LOST)], [(0, 9)]),
        ([(0, 5, S.LOST), (6, 9, S.LOST)], [(0, 5), (6, 9)]),
        ([(0, 5, S.EXCLUDED), (7, 9, S.UNKNOWN)], []),
        ([(0, 5, S.LOST), (5, 7, S.NOT_COVERED), (7, 9, S.LOST)], [(0, 5), (7, 9)]),
    ],
)
def test_an_outage_lasts_until_something_serves_again(spans, found):
    assert [(one.start_us, one.end_us) for one in outages_of(line(*spans))] == found


def test_an_outage_of_several_causes_is_one_row_with_all_of_them():
    outage = next(
        (one for told in TOLD.communes.values() for one in outages_of(told) if len(one.lost) > 1), None
    )
    assert outage is not None
    euis = {part.eui for part in outage.lost}
    known = TicketSpan(number=7, since_us=outage.start_us, until_us=None, action="disjoncteur réarmé")
    names = Names(tickets=dict.fromkeys(euis, (known,)))
    card = next(card for card in CARDS if card.insee == outage.insee)
    rows = outages_table(TOLD, [card], names, GIVEN.settings).rows
    (row,) = [row for row in rows if row[1] == outage.start_us]
    assert row[2] == outage.end_us
    assert row[3] == sum(part.length_us for part in outage.lost)
    assert row[11:] == ("n°\u00a07", "disjoncteur réarmé")
    assert row[7]


def test_lost_time_of_all_rows_is_that_of_the_figures():
    rows = outages_table(TOLD, list(CARDS), Names(), GIVEN.settings).rows
    lost = sum(one.by_state_us[S.LOST] for one in TOLD.commune_figures.values())
    assert sum(row[3] for row in rows) == lost


def test_evidence_is_a_boot_and_a_record_that_the_facts_hold():
    records = {
        f"{one.boot}/{one.journal_seq}" for box in GIVEN.facts.gateways.values() for one in box.journal
    }
    rows = outages_table(TOLD, list(CARDS), Names(), GIVEN.settings).rows
    told = {word for row in rows for word in row[10].split(", ") if word}
    assert told
    assert told <= records
    assert list(write(GIVEN))


def test_every_setting_has_words():
    assert {one.name for one in fields(DEFAULTS)} == set(WORDS)
    rows = {row[2]: row[:2] for row in settings_table(DEFAULTS).rows}
    assert rows["maintenance_notice_us"] == ("Préavis d’une maintenance", "72\u202fh")
    assert rows["blindness_tail_us"][1] == "2\u202fmin"
    assert rows["bridging_tolerance_ms"][1] == "1\u202fs"
    assert rows["objective_commune_ppm"][1] == "99,2\u202f%"
    assert "énergie" in rows["responsible"][1]
    assert in_words("x_us", 1_500_000) == "1\u202fs"
    assert in_words("text", "x") == "x"
    assert settings_table(replace(DEFAULTS, unknown_is_charged=False)).rows[5][1] == "non"
