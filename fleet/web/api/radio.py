"""``GET /api/v1/radio``: the air of each gateway in the last 24 hours, and who hears nothing now."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from fleet.airtime.capacity import COLLISIONS_LIMIT, LOAD_LIMIT, fullness
from fleet.web.access import viewer
from fleet.web.air import air_of
from fleet.web.api.examples import NOT_MODIFIED, REFUSALS, shown
from fleet.web.api.paging import PAGE_DEFAULT, After, Limit, answer, page_of
from fleet.web.process_parts import Shared
from fleet.web.views.radio import AirRow, rows_of

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(viewer)],
    tags=["network"],
    responses=REFUSALS | NOT_MODIFIED,
)
ROW: dict[str, Any] = {
    "eui": "0016c001f12a3b4c",
    "state": "strained",
    "frames": 13_420,
    "crc_failed": 611,
    "usual_frames": 12_900.0,
    "busiest_hz": 868_100_000,
    "busiest_sf": 12,
    "load": 0.041,
    "fullness": 0.6,
    "collisions": 0.021,
    "noise_dbm": -113.5,
    "usual_noise_dbm": -114.0,
    "duty_percent": 12.5,
    "alone": 41,
    "edge": 6,
    "full_at_sensors": 240_000,
    "silent_since_us": None,
    "neighbours_frames": None,
}
PAGE: dict[str, Any] = {
    "surveyed_at_us": 1_795_358_680_497_242,
    "load_limit": 0.068154,
    "collisions_limit": 0.1,
    "sensors": 57_000,
    "sensors_per_day": 118.5,
    "items": [ROW],
    "next": None,
}


@router.get("/radio", responses={200: shown("One page.", PAGE)})
def list_radio(request: Request, parts: Shared, limit: Limit = PAGE_DEFAULT, after: After = "") -> Response:
    """Return the air of gateways by EUI; `null` where no picture, sketch or detail tells."""
    air = air_of(parts)
    rows = sorted(rows_of(parts.network, air.survey, air.silent, air.growth), key=lambda row: row.eui)
    chosen, following = page_of(rows, [row.eui for row in rows], limit=limit, after=after)
    return answer(
        request,
        {
            "surveyed_at_us": air.survey.at_us if air.survey else None,
            "load_limit": round(LOAD_LIMIT, 6),
            "collisions_limit": COLLISIONS_LIMIT,
            "sensors": air.growth.sensors if air.growth else None,
            "sensors_per_day": air.growth.per_day if air.growth else None,
            "items": [_document(row) for row in chosen],
            "next": following,
        },
    )


def _document(row: AirRow) -> dict[str, Any]:
    air, silence = row.air, row.silence
    names = (
        *("frames", "crc_failed", "usual_frames", "busiest_hz", "busiest_sf", "load", "collisions"),
        *("noise_dbm", "usual_noise_dbm", "duty_percent", "alone", "edge"),
    )
    return {
        "eui": row.eui,
        "state": row.state,
        **{name: None if air is None else getattr(air, name) for name in names},
        "fullness": None if air is None else fullness(air.load),
        "full_at_sensors": row.full_at,
        "silent_since_us": None if silence is None else silence.since_us,
        "neighbours_frames": None if silence is None else silence.usual_frames,
    }
