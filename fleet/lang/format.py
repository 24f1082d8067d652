"""Numbers, percentages, durations and dates as people write them; French first, English too.  Pure.

Instants are microseconds UTC and are shown in Paris (``fleet.lang.paris``).  Availability is truncated, never
rounded (AVAILABILITY §6): 99.9699 % never shows as 99.97.  Sources: UI.md, "French".
"""

from datetime import date
from typing import Final

from fleet.durations import MINUTE_US, SECOND_US
from fleet.lang.paris import paris

NARROW: Final = "\u202f"
MINUS: Final = "\u2212"

_DAYS = {
    "fr": ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."),
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
}
_MONTHS = {
    "fr": (
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
_SHORT_MONTHS = {
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}
_POINT = {"fr": ",", "en": "."}
_GROUP = {"fr": NARROW, "en": ","}
_DAY_LETTER = {"fr": "j", "en": "d"}


def number(lang: str, value: float, decimals: int = 0) -> str:
    """Return ``value`` grouped by thousands.

    >>> number("fr", 1615) == "1\u202f615"
    True
    >>> number("en", -5118.15, 2)
    '\u22125,118.15'
    """
    text = f"{abs(value):,.{decimals}f}"
    text = text.replace(",", "g").replace(".", _POINT[lang]).replace("g", _GROUP[lang])
    return MINUS + text if value < 0 and text.strip("0.,") else text


def ratio(lang: str, numerator: int, denominator: int, decimals: int = 2) -> str:
    """Return ``numerator / denominator`` as a percentage, truncated; « — » when there is no denominator.

    >>> ratio("en", 999699, 1000000)
    '99.96%'
    """
    if denominator <= 0:
        return "—"
    scaled = abs(numerator) * 100 * 10**decimals // denominator
    whole, part = divmod(scaled, 10**decimals)
    text = number(lang, whole) + (f"{_POINT[lang]}{part:0{decimals}d}" if decimals else "")
    return (MINUS if numerator < 0 and scaled else "") + text + (f"{NARROW}%" if lang == "fr" else "%")


def duration(lang: str, us: int) -> str:
    """Return a length of time in the two units that matter, truncated; one « h » carries its minutes bare.

    >>> duration("en", 777 * SECOND_US).replace(NARROW, " ")
    '12 min 57 s'
    >>> duration("fr", 134 * MINUTE_US).replace(NARROW, " ")
    '2 h 14'
    """
    sign = MINUS if us < 0 else ""
    seconds = abs(us) // SECOND_US
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes == 0:
        text = f"{seconds} s"
    elif hours == 0:
        text = f"{minutes} min" + (f" {seconds % 60} s" if seconds % 60 else "")
    elif days < 2:
        text = f"{hours} h" + (f" {minutes % 60:02d}" if minutes % 60 else "")
    else:
        text = f"{number(lang, days)} {_DAY_LETTER[lang]}" + (f" {hours % 24} h" if hours % 24 else "")
    return sign + text.replace(" ", NARROW)


def calm(lang: str, us: int) -> str:
    """Return a length of time whose seconds are left out from ten minutes on, where they would only flicker.

    >>> calm("fr", 777 * SECOND_US).replace(NARROW, " ")
    '12 min'
    """
    if abs(us) >= 10 * MINUTE_US:
        us = (1 if us > 0 else -1) * (abs(us) // MINUTE_US * MINUTE_US)
    return duration(lang, us)


def clock(lang: str, at_us: int, *, seconds: bool = False) -> str:
    """Return the time of day, ``14:37`` or ``02:13:48``."""
    del lang
    return paris(at_us).strftime("%H:%M:%S" if seconds else "%H:%M")


def day(lang: str, when: date, *, weekday: bool = True, year: bool = True) -> str:
    """Return a day, ``dim. 22 nov. 2026`` or ``Sun 22 Nov 2026``.

    >>> day("fr", date(2026, 11, 22))
    'dim. 22 nov. 2026'
    """
    number_of_day = "1er" if lang == "fr" and when.day == 1 else str(when.day)
    parts = [_DAYS[lang][when.weekday()]] if weekday else []
    parts += [number_of_day, _SHORT_MONTHS[lang][when.month - 1]]
    return " ".join(parts + ([str(when.year)] if year else []))


def month(lang: str, when: date) -> str:
    """Return a month in full, ``novembre 2026``."""
    return f"{_MONTHS[lang][when.month - 1]} {when.year}"


def moment(lang: str, at_us: int, *, seconds: bool = False) -> str:
    """Return an instant in full, ``dim. 22 nov. 2026, 14:37``."""
    return f"{day(lang, paris(at_us).date())}, {clock(lang, at_us, seconds=seconds)}"


def short(lang: str, at_us: int, now_us: int, *, seconds: bool = False) -> str:
    """Return an instant as short as ``now`` allows: the time today, day and time this year, else in full."""
    there, here = paris(at_us), paris(now_us)
    time_of_day = clock(lang, at_us, seconds=seconds)
    if there.date() == here.date():
        return time_of_day
    return f"{day(lang, there.date(), year=there.year != here.year)}, {time_of_day}"


def at(lang: str, at_us: int, now_us: int) -> str:
    """Return an instant as the end of a sentence: « à 14:37 », « le dim. 22 nov. à 14:37 »."""
    there, here = paris(at_us), paris(now_us)
    time_of_day = clock(lang, at_us)
    if there.date() == here.date():
        return f"à {time_of_day}" if lang == "fr" else f"at {time_of_day}"
    when = day(lang, there.date(), year=there.year != here.year)
    return f"le {when} à {time_of_day}" if lang == "fr" else f"on {when} at {time_of_day}"


def euros(lang: str, cents: int) -> str:
    """Return an amount; whole cents in."""
    sign = MINUS if cents < 0 else ""
    text = f"{number(lang, abs(cents) // 100)}{_POINT[lang]}{abs(cents) % 100:02d}"
    return f"{sign}{text}{NARROW}€" if lang == "fr" else f"{sign}€{text}"


def octets(lang: str, size_bytes: int) -> str:
    """Return a size in decimal units: ``512 Mo`` in French, ``512 MB`` in English."""
    letter = "o" if lang == "fr" else "B"
    for exponent, prefix in ((9, "G"), (6, "M"), (3, "k")):
        if size_bytes >= 10**exponent:
            decimals = 0 if size_bytes >= 10 ** (exponent + 1) else 1
            return f"{number(lang, size_bytes / 10**exponent, decimals)}{NARROW}{prefix}{letter}"
    return f"{number(lang, size_bytes)}{NARROW}{letter}"


def ordinal(lang: str, number: int) -> str:
    """Return the ordinal of a feminine noun, 1 or more.

    >>> ordinal("fr", 1), ordinal("fr", 2), ordinal("en", 2), ordinal("en", 13), ordinal("en", 23)
    ('1re', '2e', '2nd', '13th', '23rd')
    """
    if lang == "fr":
        return "1re" if number == 1 else f"{number}e"
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
