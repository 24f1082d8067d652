"""The fleet's own reasons: codes with values, words where people read."""

import pytest

from agent.wire.reasons import Reason, written
from fleet.lang import legacy
from fleet.lang.reasons import FleetReason, in_words, is_foreign_prose, of_blindness, own

VALUES = {FleetReason.BROKER_LOST: {"detail": "refusé"}, FleetReason.MAINTENANCE: {"text": "antenne"}}


@pytest.mark.parametrize("code", list(FleetReason))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_code_has_words_that_show_its_values(lang, code):
    values = VALUES.get(code, {})
    shown = in_words(lang, own(code, **values))
    assert shown != own(code, **values)
    assert all(value in shown for value in values.values())
    assert "{" not in shown


def test_a_row_of_before_the_codes_reads_as_it_did():
    line = of_blindness("ingest", "the fleet manager did not run")
    assert in_words("fr", line) == in_words("fr", own(FleetReason.NOT_RUNNING))
    assert of_blindness("ingest", own(FleetReason.NOT_RUNNING)) == own(FleetReason.NOT_RUNNING)


@pytest.mark.parametrize("line", list(legacy.OWN_CODES))
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_was_kept_before_the_codes_reads_like_its_code(lang, line):
    assert in_words(lang, line) == in_words(lang, legacy.OWN_CODES[line])
    assert in_words("fr", line) != line
    assert not is_foreign_prose(lang, line)


def test_a_long_value_is_cut():
    assert len(own(FleetReason.MAINTENANCE, text="x" * 1_000)) < 300


def test_a_gateway_that_sends_our_code_breaks_no_page():
    line = written(Reason("fleet.broker_lost", {"lang": "x", "key": 3}))
    assert in_words("en", line) == "we were blind: the link to the broker was lost (?)"
