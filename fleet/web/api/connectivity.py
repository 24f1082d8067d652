"""``GET /api/v1/connectivity``: who was heard; ``POST /api/v1/uplinks``: the LNS tells who was.

The LNS posts with a machine's token of the scope ``uplinks``, where it cannot be asked over MQTT.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from fleet.availability.figures import PERCENT_DIGITS, percent
from fleet.facts.months import month_of
from fleet.objects.connectivity import DAILY_PPM, FORTNIGHT_PPM, MONTHLY_PPM, Connectivity
from fleet.objects.counting import month_connectivity
from fleet.objects.events import EVENT_LIMIT_BYTES, EventError, minutes_heard, read_uplink
from fleet.objects.store import store_days, store_heard
from fleet.web.access import uplinks, viewer
from fleet.web.api.examples import CONNECTIVITY, NOT_MODIFIED, REFUSALS, problem, shown
from fleet.web.api.paging import Month, answer
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Parts, Shared

router = APIRouter(prefix="/api/v1", tags=["objects"], responses=REFUSALS)
UPLINK = {"deviceInfo": {"devEui": "70b3d57ed0001234"}, "time": "2026-10-20T10:00:00Z"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}, "example": UPLINK}},
    }
}


@router.post(
    "/uplinks",
    status_code=204,
    dependencies=[Depends(uplinks)],
    openapi_extra=_BODY,
    responses={413: problem("Too large.", title="Too large", status=413, detail="body: at most 65536 bytes")},
)
async def take_uplink(
    request: Request, parts: Shared, event: Annotated[str, Query(max_length=20, examples=["up"])] = "up"
) -> Response:
    """Take one event of ChirpStack's HTTP integration (JSON); events other than ``up`` are passed over."""
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > EVENT_LIMIT_BYTES:
            raise Problem(413, "Too large", f"body: at most {EVENT_LIMIT_BYTES} bytes", field="body")
    if event == "up":
        await run_in_threadpool(_store, parts, raw)
    return Response(status_code=204)


def _store(parts: Parts, raw: bytes) -> None:
    """Write the day of one event; an HTTP event is acknowledged when it is stored, and counted either way."""
    try:
        report = read_uplink(raw, parts.clock.now_us())
    except EventError as error:
        with parts.database.write() as connection:
            store_days(connection, [], {"object_events_refused": 1})
        raise Problem(422, "Not an uplink event", str(error), field="body") from error
    parts.engine.outgoing.neighbours.recent.take(report)
    row = {"day": report.day, "dev_eui": report.dev_eui, "heard_at_us": report.at_us}
    row |= {"frames": int(len(report.gateways) > 0), "frames_redundant": int(len(report.gateways) > 1)}
    with parts.database.write() as connection:
        store_days(connection, [row], {"object_events": 1})
        store_heard(connection, minutes_heard(report))


@router.get(
    "/connectivity",
    dependencies=[Depends(viewer)],
    responses=NOT_MODIFIED | {200: shown("One month.", CONNECTIVITY)},
)
def show_connectivity(request: Request, parts: Shared, month: Month = "") -> Response:
    """Return the connectivity of a month (the present one by default), day by day."""
    now_us = parts.clock.now_us()
    told = month or month_of(now_us)
    with parts.database.read() as connection:
        found = month_connectivity(connection, told, now_us)
    return answer(request, connectivity_of(told, found))


def connectivity_of(month: str, found: Connectivity) -> dict[str, Any]:
    """Return the connectivity of a month as one document; ``null``: « non vérifiable »."""
    return {
        "month": month,
        "objects": found.objects,
        "days_counted": found.days_counted,
        "daily_percent": percent(found.daily, PERCENT_DIGITS) or None,
        "daily_objective_ppm": DAILY_PPM,
        "daily_met": found.daily_met,
        "fortnight_percent": percent(found.fortnight, PERCENT_DIGITS) or None,
        "fortnight_objective_ppm": FORTNIGHT_PPM,
        "fortnight_met": found.fortnight_met,
        "monthly_percent": percent(found.monthly, PERCENT_DIGITS) or None,
        "monthly_objective_ppm": MONTHLY_PPM,
        "monthly_met": found.monthly_met,
        "redundant_percent": percent(found.redundant, PERCENT_DIGITS) or None,
        "redundant_frames_percent": percent(found.redundant_frames, PERCENT_DIGITS) or None,
        "addresses_mean": found.addresses_mean,
        "days": [
            {
                "day": one.day,
                "verifiable": one.verifiable,
                "objects": one.objects,
                "heard": one.heard,
                "heard_fortnight": one.heard_fortnight,
                "addresses": one.addresses,
                "addresses_redundant": one.addresses_redundant,
                "addresses_by_gateways": one.addresses_by_gateways,
            }
            for one in found.days
        ],
    }
