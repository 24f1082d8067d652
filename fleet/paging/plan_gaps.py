"""What is told ahead to the owner of the on-call plan: its gaps every morning, and credentials that end.

The owner is whoever has the skill ``planner``.  If there is none, the main courante gets the same words as an
entry that stays open.
"""

from collections.abc import Iterable
from datetime import time, timedelta

from sqlalchemy import Connection, delete, insert, select

from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.evidence.facts import mark, marked
from fleet.identity.ends import Ending
from fleet.incidents.context import CycleContext
from fleet.lang import format as formats
from fleet.lang.i18n import t
from fleet.lang.paris import day_us, paris
from fleet.notify import outbox
from fleet.notify.compose import named_needs
from fleet.notify.marks import page_mark
from fleet.notify.model import Channel, Rendered
from fleet.oncall import store
from fleet.oncall.choice import skills_of
from fleet.oncall.gaps import AHEAD_DAYS, OPEN_END_US, Demand, Gap, GapKind, gaps, unheard
from fleet.oncall.tables import plan_gaps
from fleet.registry.tables import communes, gateways, sites
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets import timers

KIND = "gaps"
LOOK_AT = time(8, 0)
"""Paris: when the owner of the plan can still ring somebody."""

LISTED_LIMIT = 40
"""Gaps of one message; the plan's page has them all."""

WHO = "passerelle"
KEPT_US = 90 * DAY_US
"""How long a gap that was told is remembered: longer than the window."""


def arm(connection: Connection, now_us: int) -> None:
    """Set the next look, unless there is one."""
    if not timers.armed(connection, KIND):
        timers.plan(connection, key=KIND, kind=KIND, subject_id=0, due_at_us=next_look_us(now_us))


def next_look_us(now_us: int) -> int:
    """Return the next morning's instant."""
    there = paris(now_us)
    day = there.date() if there.time() < LOOK_AT else there.date() + timedelta(days=1)
    return day_us(day, LOOK_AT)


def look(context: CycleContext) -> tuple[Gap, ...]:
    """Tell the gaps that were not told yet; return them."""
    connection, now_us = context.connection, context.now_us
    until_us = now_us + AHEAD_DAYS * DAY_US
    people, rota = store.everybody(connection), store.rota(connection)
    present = gaps(rota, people, demand(connection), now_us, until_us)
    new = unheard(present, _announced(connection), now_us)
    if new:
        _tell(context, present, until_us)
        values = [_row(gap) | {"told_at_us": now_us} for gap in new]
        connection.execute(insert(plan_gaps), values)
    connection.execute(delete(plan_gaps).where(plan_gaps.c.told_at_us < now_us - KEPT_US))
    return new


def demand(connection: Connection) -> Demand:
    """Return what the sites of gateways take, and the communes where they are, by EPCI."""
    query = (
        select(sites.c.needs, communes.c.insee, communes.c.epci, communes.c.departement)
        .join(communes, communes.c.insee == sites.c.commune_insee)
        .where(sites.c.id.in_(select(gateways.c.site_id)))
    )
    skills: set[str] = set()
    places: dict[str, set[frozenset[str]]] = {}
    for row in connection.execute(query):
        skills |= set(skills_of(row.needs))
        codes = frozenset({row.insee, row.epci, row.departement}) - {""}
        places.setdefault(row.epci or row.departement or row.insee, set()).add(codes)
    return Demand(skills=frozenset(skills), territories={epci: tuple(one) for epci, one in places.items()})


def _announced(connection: Connection) -> tuple[Gap, ...]:
    return tuple(
        Gap(kind=GapKind(row.kind), what=row.what, from_us=row.from_at_us, until_us=row.until_at_us)
        for row in connection.execute(select(plan_gaps))
    )


def _row(gap: Gap) -> dict[str, object]:
    return {
        "kind": gap.kind.value,
        "what": gap.what,
        "from_at_us": gap.from_us,
        "until_at_us": gap.until_us,
    }


def _tell(context: CycleContext, present: tuple[Gap, ...], until_us: int) -> None:
    owners = store.planners(context.connection)
    for person in owners:
        outbox.enqueue(
            context.connection,
            key=f"gaps/{context.now_us}/{person.id}",
            channel=Channel.MAIL,
            address=person.email,
            message=worded(present, until_us, person.language),
            now_us=context.now_us,
            person_id=person.id,
        )
    if not owners:
        text = worded(present, until_us, "fr").subject + " " + t("fr", "gap.nobody_told")
        shift.write(context.connection, kind=EntryKind.FOLLOW, text=text, who=WHO, now_us=context.now_us)


def worded(present: tuple[Gap, ...], until_us: int, lang: str) -> Rendered:
    """Return the message about these gaps."""
    until = formats.moment(lang, until_us)
    subject = t(lang, "gap.subject", count=len(present), until=until)
    lines = [line_of(gap, lang) for gap in present[:LISTED_LIMIT]]
    body = [subject, "\n".join(lines), t(lang, "gap.what_then", link=page_mark("astreinte"))]
    return Rendered(subject=subject, text="\n\n".join(body) + "\n")


def line_of(gap: Gap, lang: str) -> str:
    """Return one gap in words."""
    begin = formats.moment(lang, gap.from_us)
    if gap.until_us == OPEN_END_US:
        span = t(lang, "gap.span.open", begin=begin)
    else:
        span = t(lang, "gap.span", begin=begin, end=formats.moment(lang, gap.until_us))
    what = named_needs((gap.what,), lang) if gap.kind is GapKind.SKILL else gap.what
    return t(lang, f"gap.{gap.kind}", what=what, span=span)


def tell_ends(connection: Connection, found: Iterable[Ending], now_us: int) -> int:
    """Tell the ends of credentials whose step (60, 30, 7 days) was not told yet; return how many."""
    new = [each for each in found if marked(connection, end_key(each)) is None]
    owners = store.planners(connection) if new else ()
    for each in new:
        mark(connection, end_key(each), now_us)
        for person in owners:
            outbox.enqueue(
                connection,
                key=f"{end_key(each)}/{person.id}",
                channel=Channel.MAIL,
                address=person.email,
                message=worded_end(each, person.language),
                now_us=now_us,
                person_id=person.id,
            )
        if not owners:
            text = worded_end(each, "fr").subject
            shift.write(connection, kind=EntryKind.FOLLOW, text=text, who=WHO, now_us=now_us)
    return len(new)


def write_ends(database: Database, found: Iterable[Ending], now_us: int) -> None:
    """Tell ends in a transaction of their own."""
    with database.write() as connection:
        tell_ends(connection, found, now_us)


def end_key(ending: Ending) -> str:
    """Return what one step of one credential is known by.

    >>> end_key(Ending(name="ca", days_left=5, ends_at_us=86_400_000_000, told_at_days=7))
    'ending/ca/1970-01-02/7'
    """
    return f"ending/{ending.name}/{ending.ends_on}/{ending.told_at_days}"


def worded_end(ending: Ending, lang: str) -> Rendered:
    """Return the message about one credential."""
    what = t(lang, f"ending.{ending.name}")
    key = "ending.over" if ending.days_left < 0 else "ending.subject"
    subject = t(lang, key, what=what, day=ending.ends_on, count=max(0, ending.days_left))
    return Rendered(subject=subject, text=f"{subject}\n\n{t(lang, f'ending.{ending.name}.what_then')}\n")
