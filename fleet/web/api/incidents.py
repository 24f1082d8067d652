"""JSON of incidents and tickets: ``/api/v1/incidents``, ``/api/v1/tickets``."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response

from fleet.facts.months import month_around
from fleet.tickets import joining
from fleet.tickets import store as tickets
from fleet.tickets.statistics import statistics
from fleet.web import incident_views as views
from fleet.web.access import viewer
from fleet.web.api import inbound, oncall, parts
from fleet.web.api import tickets as writes
from fleet.web.api.paging import Instant, RowId, answer
from fleet.web.process_parts import Shared

api = APIRouter(prefix="/api/v1", dependencies=[Depends(viewer)])

StateFilter = Annotated[str, "open, or all"]


@api.get("/incidents")
def list_incidents(
    request: Request, parts: Shared, state: StateFilter = "open", before_id: RowId | None = None
) -> Response:
    """Return incidents with their tickets and clocks, the most urgent first; ``state=all``: newest first."""
    now_us = parts.clock.now_us()
    with parts.database.read() as connection:
        if state == "all":
            return answer(request, {"incidents": views.recent_incidents(connection, now_us, before_id)})
        return answer(request, {"incidents": views.open_incidents(connection, now_us)})


@api.get("/tickets")
def list_tickets(
    request: Request, parts: Shared, state: StateFilter = "open", before_id: RowId | None = None
) -> Response:
    """Return tickets with their clocks, the most urgent first; ``state=all``: newest first."""
    now_us = parts.clock.now_us()
    with parts.database.read() as connection:
        if state == "all":
            return answer(request, {"tickets": tickets.recent(connection, now_us, before_id)})
        return answer(request, {"tickets": tickets.open_tickets(connection, now_us)})


@api.get("/tickets/statistics")
def show_statistics(request: Request, parts: Shared, at_us: Instant | None = None) -> Response:
    """Return how the contract's clocks were kept in the Paris month around an instant."""
    now_us = parts.clock.now_us()
    month = month_around(now_us if at_us is None else at_us)
    begin, end = month.start_us, month.end_us
    with parts.database.read() as connection:
        found = statistics(joining.between(connection, begin, end), now_us)
    return answer(request, {"from_us": begin, "until_us": end, "statistics": found})


@api.get("/tickets/{ticket_id}")
def show_ticket(request: Request, parts: Shared, ticket_id: RowId) -> Response:
    """Return one ticket with its audit trail, messages, incident and what was known when."""
    now_us = parts.clock.now_us()
    with parts.database.read() as connection:
        try:
            return answer(request, views.ticket_page(connection, ticket_id, now_us))
        except tickets.NoSuchTicket as error:
            raise HTTPException(404, f"tickets: no ticket {ticket_id}") from error


router = APIRouter()
router.include_router(api)
router.include_router(writes.router)
router.include_router(oncall.router)
router.include_router(parts.router)
router.include_router(inbound.mail)
router.include_router(inbound.sms)
