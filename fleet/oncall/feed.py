"""The plan as an iCal feed, for the calendar of each person; pure.

Sources: RFC 5545 (UID stays the same for the same duty, so that calendars update instead of doubling).
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import icalendar

from fleet.lang.i18n import t
from fleet.oncall.model import Duty, Person

PRODUCT = "-//Passerelle//Astreinte//FR"
REFRESH = timedelta(hours=1)
"""How often calendars are asked to look again."""


def feed(duties: tuple[Duty, ...], people: Mapping[int, Person], *, lang: str, now_us: int) -> bytes:
    """Return the duties as a calendar."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", t(lang, "oncall.calendar"))
    calendar.add("refresh-interval", REFRESH, {"VALUE": "DURATION"})
    for duty in duties:
        person = people.get(duty.person_id)
        if person is None:
            continue
        event = icalendar.Event()
        event.add("uid", f"astreinte-{duty.level}-{duty.person_id}-{duty.from_us}@passerelle")
        event.add("dtstamp", _utc(now_us))
        event.add("dtstart", _utc(duty.from_us))
        event.add("dtend", _utc(duty.until_us))
        event.add("summary", t(lang, "oncall.event", name=person.name, level=str(duty.level)))
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _utc(at_us: int) -> datetime:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC)
