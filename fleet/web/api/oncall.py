"""The plan over HTTP: who is on call, holes ahead, hours, the iCal feed, overrides.

A calendar has no login: its address carries a token derived from our secret and the person.
"""

import csv
import hmac
import io
from hashlib import sha256
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, Field

from fleet.durations import DAY_US
from fleet.facts.months import month_around
from fleet.identity import audit
from fleet.identity.people import Person as User
from fleet.lang.paris import paris
from fleet.lang.spreadsheets import guarded
from fleet.oncall import planning, store
from fleet.web.access import form_guard, operator, viewer
from fleet.web.process_parts import Parts, Shared
from fleet.web.typed import Line

router = APIRouter(prefix="/api/v1/on-call")
FEED_AHEAD_US = 90 * DAY_US
FEED_BACK_US = 30 * DAY_US


def calendar_token(secret: bytes, person_id: int) -> str:
    """Return the token of one person's calendar; 0 is everybody's."""
    return hmac.new(secret, f"calendar/{person_id}".encode(), sha256).hexdigest()[:32]


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")


@router.get("", dependencies=[Depends(viewer)])
def now(parts: Shared) -> Response:
    """Return who is on call, the plan of the next 60 days and its holes."""
    now_us = parts.clock.now_us()
    until_us = now_us + planning.LOOK_AHEAD_DAYS * DAY_US
    with parts.database.read() as connection:
        rota = store.rota(connection)
        return _json(
            {
                "on_call": store.on_call_now(connection, now_us),
                "plan": planning.plan(rota, now_us, until_us),
                "holes": planning.holes(rota, now_us, until_us),
            }
        )


@router.get("/hours", dependencies=[Depends(operator)])
def month_hours(parts: Shared, at_us: int | None = None) -> Response:
    """Return hours of duty by person for the Paris month around an instant."""
    begin, end, rows = _month_hours(parts, at_us)
    return _json({"from_us": begin, "until_us": end, "people": rows})


@router.get(
    "/hours.csv",
    dependencies=[Depends(operator)],
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": "Personne;Heures;dont dimanches;…"}}}},
)
def month_hours_sheet(parts: Shared, at_us: int | None = None) -> Response:
    """Return the same for pay-roll: a sheet that French Excel opens."""
    begin, _, rows = _month_hours(parts, at_us)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(("Personne", "Heures", "dont dimanches", "dont jours fériés"))
    for row in rows:
        spans = (row[name] for name in ("hours", "sunday_hours", "holiday_hours"))
        writer.writerow((guarded(row["name"]), *(f"{span:.2f}".replace(".", ",") for span in spans)))
    headers = {"Content-Disposition": f'attachment; filename="astreinte-{paris(begin):%Y-%m}.csv"'}
    content = text.getvalue().encode("utf-8-sig")
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def _month_hours(parts: Parts, at_us: int | None) -> tuple[int, int, list[dict[str, Any]]]:
    month = month_around(parts.clock.now_us() if at_us is None else at_us)
    begin, end = month.start_us, month.end_us
    with parts.database.read() as connection:
        people = store.everybody(connection)
        found = planning.hours(store.rota(connection), begin, end)
    rows = [
        {
            "name": people[one.person_id].name if one.person_id in people else str(one.person_id),
            "hours": one.total_us / 3.6e9,
            "sunday_hours": one.sundays_us / 3.6e9,
            "holiday_hours": one.holidays_us / 3.6e9,
        }
        for one in found
    ]
    return begin, end, rows


@router.get("/calendar/{person_id}/{token}.ics", include_in_schema=False)
def calendar(parts: Shared, person_id: int, token: str) -> Response:
    """Return the plan as a calendar; person 0 is everybody."""
    secret = parts.links_secret
    if not hmac.compare_digest(calendar_token(secret, person_id).encode(), token.encode()):
        raise HTTPException(404)
    now_us = parts.clock.now_us()
    with parts.database.read() as connection:
        people = store.everybody(connection)
        duties = planning.plan(store.rota(connection), now_us - FEED_BACK_US, now_us + FEED_AHEAD_US)
    mine = tuple(duty for duty in duties if person_id in (0, duty.person_id))
    return Response(
        planning.calendar(mine, people, lang="fr", now_us=now_us), media_type="text/calendar; charset=utf-8"
    )


class OverrideBody(BaseModel):
    """Somebody stands in on a level for a time."""

    person: Line = Field(max_length=254)
    level: int = Field(default=1, ge=1, le=9)
    from_: Line = Field(alias="from", max_length=40)
    until: Line = Field(max_length=40)


@router.post("/overrides", status_code=201, dependencies=[Depends(form_guard)])
def override(
    parts: Shared, body: OverrideBody, person: Annotated[User, Depends(operator)]
) -> dict[str, bool]:
    """Let somebody stand in; the level's rotation waits meanwhile."""
    row = body.model_dump(by_alias=True) | {"override": True}
    now_us = parts.clock.now_us()
    with parts.database.write() as connection:
        try:
            store.import_on_call(connection, [row])
        except store.RowRefused as error:
            raise HTTPException(422, str(error)) from error
        audit.record(
            connection,
            now_us=now_us,
            who=person.name,
            action="on_call.override",
            subject=body.person,
            after=row,
        )
    return {"written": True}
