import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.lang.phones import PhoneRefused, e164, e164_of_sender
from tests.golden.files import GOLDEN

CASE = GOLDEN / "cases" / "10-phone-numbers" / "people.json"
REFUSED = {"Zoe Essai", "Max Essai", "Lea Essai"}


def test_the_numbers_of_the_case() -> None:
    people = json.loads(CASE.read_text(encoding="utf-8"))["technicians"]
    found = {}
    for person in people:
        try:
            found[person["name"]] = e164(person["phone"])
        except PhoneRefused:
            found[person["name"]] = None
    assert found == dict.fromkeys(REFUSED) | {
        "Luc Essai": "+33612345678",
        "Ana Essai": "+33612345679",
    }


@pytest.mark.parametrize(
    "written",
    [
        "0612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "06-12-34-56-78",
        "06/12/34/56/78",
        "06\u00a012\u202f34 56 78",
        "+33612345678",
        "+33 6 12 34 56 78",
        "+33 (0)6 12 34 56 78",
        "+33 06 12 34 56 78",
        "+33(0)612345678",
        "0033612345678",
        "00 33 (0) 6 12 34 56 78",
        "tel:+33612345678",
        " 06 12 34 56 78 ",
    ],
)
def test_the_forms_of_the_same_number(written: str) -> None:
    assert e164(written) == "+33612345678"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("02 47 00 00 00", "+33247000000"),
        ("0692 12 34 56", "+262692123456"),
        ("+32 470 12 34 56", "+32470123456"),
        ("06 39 98 00 01", "+33639980001"),
        ("", ""),
    ],
)
def test_other_numbers(written: str, number: str) -> None:
    assert e164(written) == number


@pytest.mark.parametrize(
    "written",
    [
        "612345678",
        "06 12 34 56 7",
        "06 12 34 56 789",
        "voir Paul",
        "0800 123 456",
        "0892 12 34 56",
        "112",
        "+33 6 12",
        "06 12 34 56 78 / 07 12 34 56 78",
        "06 12 34 56 78 (Paul)",
        "٠٦١٢٣٤٥٦٧٨",
        "+",
        "0",
        "+999123456789",
        "1" * 41,
    ],
)
def test_what_rings_at_nobody(written: str) -> None:
    with pytest.raises(PhoneRefused):
        e164(written)


@pytest.mark.parametrize(
    "sender", ["33639980002", "+33639980002", "0033639980002", "0639980002", "+33 6 39 98 00 02"]
)
def test_a_sender_as_providers_write_it(sender: str) -> None:
    assert e164_of_sender(sender) == "+33639980002"


@pytest.mark.parametrize("sender", ["", "OVH", "36184", "+", "3363998000200000"])
def test_a_sender_that_is_no_number(sender: str) -> None:
    assert e164_of_sender(sender) == ""


@given(st.text(max_size=50))
def test_nothing_but_its_own_refusal(written: str) -> None:
    try:
        found = e164(written)
    except PhoneRefused:
        return
    assert found == "" or e164(found) == found == e164_of_sender(found)
