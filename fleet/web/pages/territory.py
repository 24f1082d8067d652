"""The map, and what it draws."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy import select

from fleet.facts.states import GatewayState
from fleet.lang import shapes
from fleet.registry.store import load_registry
from fleet.registry.tables import communes as communes_table
from fleet.web import rendering
from fleet.web.views import communes
from fleet.web.views.gateways import URGENCY
from fleet.web.visit import Viewing, Visit

router = APIRouter()
RANK_STEP = 100
"""Leaflet draws the higher above the lower: the worst on top."""


@router.get("/carte", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show the whole territory."""
    with visit.database.read() as connection:
        return visit.page("pages/map.html", connection)


@router.get("/carte/territoire.json")
def territory(visit: Viewing) -> Response:
    """Return communes with their shapes and gateways with their places."""
    return territory_of(visit)


def territory_of(visit: Visit, *, named: bool = True) -> Response:
    """Return what the map draws; not ``named``: gateways by their state alone, as a room may see them."""
    with visit.database.read() as connection:
        registry = load_registry(connection)
        columns = communes_table.c
        polygons = dict(connection.execute(select(columns.insee, columns.polygon)).all())
    shown = communes.rows_of(visit.network, registry.communes.values(), visit.past, visit.standing)
    rows = {row.insee: row for row in shown}
    found = [
        {
            "name": one.name,
            "state": rows[insee].state,
            "title": visit.words.t(
                "map.commune", name=one.name, state=visit.words.t(f"commune.{rows[insee].state}")
            ),
            "href": f"/communes/{insee}",
            "lat": one.lat,
            "lon": one.lon,
            "polygon": polygons.get(insee),
        }
        for insee, one in registry.communes.items()
    ]
    gateways = [
        _gateway(visit, eui, named=named) for eui, one in registry.gateways.items() if one.lat is not None
    ]
    places = {eui: (one.lat, one.lon) for eui, one in registry.gateways.items()}
    for gateway in gateways:
        gateway["lat"], gateway["lon"] = places[gateway["eui"]]
    body = {"communes": found, "gateways": gateways, "bounds": bounds_of(found + gateways)}
    return JSONResponse(body, headers=dict(rendering.HEADERS))


def _gateway(visit: Visit, eui: str, *, named: bool) -> dict[str, Any]:
    now = visit.network.gateways.get(eui)
    state = now.state if now else GatewayState.OUT
    name = now.name if now and named else eui
    return {
        "eui": eui,
        "state": state,
        "shape": shapes.shape(state),
        "title": visit.words.t("map.gateway", name=name, state=visit.words.t(f"state.{state}")),
        "href": f"/passerelles/{eui}",
        "rank": (len(URGENCY) - URGENCY[state]) * RANK_STEP,
    }


def bounds_of(places: list[dict[str, Any]]) -> list[list[float]] | None:
    """Return south-west and north-east of all places; None when none is known."""
    lats = [place["lat"] for place in places if place["lat"] is not None]
    lons = [place["lon"] for place in places if place["lon"] is not None]
    return [[min(lats), min(lons)], [max(lats), max(lons)]] if lats and lons else None
