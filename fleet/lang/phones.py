"""Telephone numbers as French people and providers write them, in the form that networks share (E.164); pure.

Sources: ITU-T E.164; French numbering plan (ARCEP décision 2018-0881) as the data of libphonenumber has it.
"""

import re
from typing import Final

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, PhoneNumberType

from fleet.lang.format import NARROW

REGION: Final = "FR"
"""What a number without a country code is of."""

OVERSEAS: Final = ("RE", "GP", "GF", "MQ", "YT")
"""Where the ten digits that are dialled in France stand for another country code."""

CHARACTERS_LIMIT: Final = 40
"""What a person writes for one number, spaces and « (0) » included."""

_FRENCH = re.compile(r"0[1-9]\d{8}")
_WITHOUT_PLUS = re.compile(r"[1-9]\d{9,14}")
_WRITTEN = re.compile(r"[+0-9 ().\-/\u00a0\u202f]+")
_NO_PERSON: Final = (
    PhoneNumberType.PREMIUM_RATE,
    PhoneNumberType.SHARED_COST,
    PhoneNumberType.TOLL_FREE,
    PhoneNumberType.UAN,
)


class PhoneRefused(ValueError):
    """A text that is no telephone number of a person; says why."""


def e164(written: str) -> str:
    """Return the number that a person typed, ``+33612345678``; an empty text stays empty.

    >>> e164("+33 (0)6 12 34 56 78"), e164("0033 6.12.34.56.78"), e164("06 12 34 56 78"), e164(" ")
    ('+33612345678', '+33612345678', '+33612345678', '')

    Raises:
        PhoneRefused: too short or long, no digits, or a number that reaches nobody.
    """
    text = written.strip().removeprefix("tel:").strip()
    if not text:
        return ""
    if len(text) > CHARACTERS_LIMIT or not _WRITTEN.fullmatch(text):
        raise PhoneRefused(f"{text[:CHARACTERS_LIMIT]!r} is no telephone number; write +33612345678")
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    if not text.startswith(("+", "00")) and not _FRENCH.fullmatch(digits):
        raise PhoneRefused(f"{text!r}: a French number has ten digits, the first a 0; others begin with +")
    return _valid("+" + digits.removeprefix("00") if text.startswith(("+", "00")) else digits, text)


def e164_of_sender(sender: str) -> str:
    """Return the number of who sent an SMS, as providers write it: with or without ``+``; empty: no number.

    >>> e164_of_sender("33639980002"), e164_of_sender("0639980002"), e164_of_sender("38063")
    ('+33639980002', '+33639980002', '')
    """
    text = re.sub(r"[^+0-9]", "", sender)
    if _WITHOUT_PLUS.fullmatch(text):
        text = f"+{text}"
    try:
        return e164(text)
    except PhoneRefused:
        return ""


def readable(number: str) -> str:
    """Return a number of E.164 as people read it, with narrow spaces.

    >>> readable("+33247000000").replace(NARROW, " "), readable("+442071838750").replace(NARROW, " ")
    ('02 47 00 00 00', '+44 20 7183 8750')
    """
    found = phonenumbers.parse(number)
    home = phonenumbers.region_code_for_country_code(found.country_code or 0) == REGION
    form = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(found, form).replace(" ", NARROW)


def _valid(digits: str, written: str) -> str:
    """Return the number in E.164; new ranges and those of fiction are no mistake: only the length counts."""
    try:
        numbers = [phonenumbers.parse(digits, region) for region in (REGION, *OVERSEAS)]
    except NumberParseException as error:
        raise PhoneRefused(f"{written!r}: {error}") from error
    number = next(filter(phonenumbers.is_valid_number, numbers), numbers[0])
    if not phonenumbers.is_possible_number(number):
        raise PhoneRefused(f"{written!r}: no such number; write +33612345678")
    if phonenumbers.number_type(number) in _NO_PERSON:
        raise PhoneRefused(f"{written!r}: a service number, which reaches no person")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
