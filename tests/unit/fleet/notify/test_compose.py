from dataclasses import replace

import pytest

from fleet.notify.compose import (
    BUNDLED_LINES_LIMIT,
    BUNDLED_WHOLE_LIMIT,
    SMS_LIMIT_CHARACTERS,
    Occasion,
    bundle,
    compose,
)
from fleet.notify.gsm import fits
from fleet.notify.marks import acknowledge_mark, filled, ticket_mark, tickets_to_acknowledge
from tests.unit.fleet.notify.test_messages_in_docs import AZAY, NOW, ORANGE

ONE = compose(AZAY, "fr", NOW)


@pytest.mark.parametrize("count", [1, 2, 3, 12, 13, 300])
def test_a_bundle_stays_readable_and_loses_no_count(count: int) -> None:
    messages = [replace(ONE, subject=f"Incident {number}.") for number in range(count)]
    found = bundle(messages, "fr")
    assert len(found.text) < 2_500
    whole = min(count, BUNDLED_WHOLE_LIMIT)
    lines = min(count - whole, BUNDLED_LINES_LIMIT)
    assert found.text.count("Prendre en charge") == whole
    beyond = count - whole - lines
    assert (f"et {beyond} autre" in found.text) is (beyond > 0)
    assert ("(+ " in found.subject.replace("\u202f", " ")) is (count > 1)


def test_one_message_is_itself() -> None:
    assert bundle([ONE], "fr") is ONE


def test_a_line_for_each_occasion_and_none_at_the_beginning() -> None:
    for occasion in Occasion:
        text = compose(replace(AZAY, occasion=occasion, ended_us=NOW), "fr", NOW).text
        assert text.count("\n") >= 2
    assert "aggrave" in compose(replace(AZAY, occasion=Occasion.WORSE), "fr", NOW).text


def test_many_communes_are_named_up_to_a_limit_and_counted() -> None:
    text = compose(ORANGE, "fr", NOW).text
    assert "Commune 4 et 173 autres" in text
    assert "Commune 5" not in text


def test_marks_are_filled_everywhere_and_found_once() -> None:
    text = f"a {acknowledge_mark(7)} b {ticket_mark(7)} c {acknowledge_mark(7)} d {acknowledge_mark(8)}"
    assert tickets_to_acknowledge(text) == (7, 8)
    made = filled(text, "U", lambda number: f"A{number}")
    assert made == "a A7 b U/tickets/7 c A7 d A8"
    assert filled("[[acknowledge:x]] [[other:1]]", "", str) == "[[acknowledge:x]] [[other:1]]"


def test_an_sms_is_cut_before_its_link_and_never_through_it() -> None:
    long = replace(AZAY, where="Azay " * 100)
    sms = compose(long, "fr", NOW).sms
    assert sms.endswith(f"... Ticket 12 : répondez OK 12. {AZAY.link}")
    token = f"https://passerelle.example/a/{'k' * 60}"
    assert len(sms.replace(AZAY.link, token)) <= SMS_LIMIT_CHARACTERS


def test_an_sms_is_written_in_the_letters_of_an_sms() -> None:
    sms = compose(replace(AZAY, where="L'Île-Bouchard"), "fr", NOW).sms
    assert "L'Ile-Bouchard : plus de service" in sms
    assert fits(sms)


def test_the_link_stands_before_the_places() -> None:
    text = compose(AZAY, "fr", NOW).text
    assert text.index(AZAY.link) < text.index("Site")


def test_apostrophes_are_typographic_in_all_that_people_named_and_noted() -> None:
    plain = "l'abri"
    site = replace(AZAY.sites[0], name=plain, commune=plain, address=plain, access_notes=plain)
    subject = replace(AZAY, where=plain, cause_known=plain, communes=(plain, plain), sites=(site,))
    found = compose(subject, "fr", NOW)
    assert "l'abri" not in found.text + found.subject
    assert found.text.count("l’abri") >= 6
