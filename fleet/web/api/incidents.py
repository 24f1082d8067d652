"""JSON of incidents, tickets and spare parts: ``/api/v1/incidents``, ``…/tickets``, ``…/parts``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from fleet.facts.months import month_around
from fleet.identity import audit
from fleet.identity.people import Person
from fleet.tickets import joining
from fleet.tickets import parts as spare_parts
from fleet.tickets import store as tickets
from fleet.tickets.statistics import statistics
from fleet.web import incident_views as views
from fleet.web.access import form_guard, operator, viewer
from fleet.web.api import inbound, oncall
from fleet.web.api import tickets as writes
from fleet.web.api.paging import Instant, RowId, answer
from fleet.web.process_parts import Shared
from fleet.web.typed import Line

api = APIRouter(prefix="/api/v1", dependencies=[Depends(viewer)])
stock = APIRouter(prefix="/api/v1/parts")

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


class Delivery(BaseModel):
    """Parts that came to a depot, or left it without a ticket."""

    depot: Line = Field(max_length=80)
    name: Line = Field(max_length=spare_parts.NAME_LIMIT_CHARACTERS)
    change: int = Field(default=0, ge=-spare_parts.COUNT_LIMIT, le=spare_parts.COUNT_LIMIT)
    low_limit: int | None = Field(default=None, ge=0, le=spare_parts.COUNT_LIMIT)
    note: Line = Field(default="", max_length=200)


@stock.get("", dependencies=[Depends(viewer)])
def show(parts: Shared, depot: str = "") -> dict[str, Any]:
    """Return what lies where; ``low`` says that somebody must order."""
    with parts.database.read() as connection:
        return {"parts": [_line(one) for one in spare_parts.stock(connection, depot)]}


@stock.post("", status_code=201, dependencies=[Depends(form_guard)])
def receive(parts: Shared, body: Delivery, person: Annotated[Person, Depends(operator)]) -> dict[str, Any]:
    """Add parts to a depot, take some away, or say below how many somebody must order."""
    now_us = parts.clock.now_us()
    with parts.database.write() as connection:
        try:
            found = spare_parts.receive(connection, **body.model_dump(), who=person.name, now_us=now_us)
        except spare_parts.PartRefused as error:
            raise HTTPException(422, str(error)) from error
        audit.record(
            connection,
            now_us=now_us,
            who=person.name,
            action="parts.receive",
            subject=f"{found.depot}: {found.name}",
            after=body.model_dump(),
        )
        return _line(found)


def _line(one: spare_parts.Stock) -> dict[str, Any]:
    return {
        "depot": one.depot,
        "name": one.name,
        "count": one.count,
        "low_limit": one.low_limit,
        "low": one.low,
    }


router = APIRouter()
router.include_router(api)
router.include_router(writes.router)
router.include_router(oncall.router)
router.include_router(stock)
router.include_router(inbound.mail)
router.include_router(inbound.sms)
