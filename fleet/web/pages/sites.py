"""One site: where it is, what hung there and when, its papers, its tickets, the label of its cabinet."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, Response
from segno import make_qr
from sqlalchemy import Connection, select

from fleet.identity.people import Person
from fleet.incidents.tables import incident_gateways
from fleet.registry.tables import agreements, gateways, hangings, sites
from fleet.tickets.presence import site_token
from fleet.tickets.tables import tickets
from fleet.web import rendering
from fleet.web.access import technician
from fleet.web.visit import Viewing

router = APIRouter()
TICKETS_LIMIT = 30
"""Newest tickets of a site."""


@router.get("/sites/{site_id}", response_class=HTMLResponse)
def page(site_id: int, visit: Viewing) -> HTMLResponse:
    """Show one site."""
    with visit.database.read() as connection:
        site = connection.execute(select(sites).where(sites.c.id == site_id)).mappings().first()
        if site is None:
            raise HTTPException(404)
        papers = select(agreements).where(agreements.c.site_id == site_id).order_by(agreements.c.kind)
        return visit.page(
            "pages/site.html",
            connection,
            site=site,
            commune=visit.network.communes.get(site["commune_insee"]),
            boxes=_boxes(connection, site_id),
            now={eui: one for eui, one in visit.network.gateways.items() if one.site_id == site_id},
            papers=connection.execute(papers).mappings().all(),
            tickets=_tickets(connection, site_id),
        )


def _boxes(connection: Connection, site_id: int) -> list[Any]:
    query = select(hangings, gateways.c.name).join(gateways, gateways.c.eui == hangings.c.eui)
    mine = query.where(hangings.c.site_id == site_id).order_by(hangings.c.from_at_us.desc())
    return list(connection.execute(mine).mappings())


def _tickets(connection: Connection, site_id: int) -> list[Any]:
    """Return the tickets of a site, its own and those of incidents of what hung there."""
    hung = select(hangings.c.eui).where(hangings.c.site_id == site_id)
    concerned = select(incident_gateways.c.incident_id).where(incident_gateways.c.eui.in_(hung))
    mine = (tickets.c.site_id == site_id) | tickets.c.incident_id.in_(concerned)
    query = select(tickets).where(mine).order_by(tickets.c.id.desc()).limit(TICKETS_LIMIT)
    return list(connection.execute(query).mappings())


@router.get("/sites/{site_id}/etiquette.svg")
def label(site_id: int, visit: Viewing, person: Annotated[Person, Depends(technician)]) -> Response:
    """Return the label of a cabinet as a QR code: for those who may prove with it that they are there."""
    del person
    with visit.database.read() as connection:
        if connection.scalar(select(sites.c.id).where(sites.c.id == site_id)) is None:
            raise HTTPException(404)
    address = f"{visit.parts.settings.public_url}/s/{site_token(visit.parts.links_secret, site_id)}"
    drawn = make_qr(address, error="q").svg_inline(scale=6, border=2, omitsize=True)
    text = drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    headers = dict(rendering.HEADERS) | {"Cache-Control": "no-store"}
    return Response(text, media_type="image/svg+xml", headers=headers)
