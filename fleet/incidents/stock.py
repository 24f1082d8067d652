"""Spare parts over HTTP, and a stock that runs low on the main courante: ``/api/v1/parts``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, Field

from fleet.identity import audit
from fleet.identity.access import form_guard, operator, viewer
from fleet.identity.people import Person
from fleet.incidents import shift
from fleet.incidents.scene import Scene
from fleet.incidents.shift import EntryKind
from fleet.tickets import parts
from fleet.web.i18n import t

router = APIRouter(prefix="/api/v1/parts")
WHO = "passerelle"


class Delivery(BaseModel):
    """Parts that came to a depot, or left it without a ticket."""

    depot: str = Field(max_length=80)
    name: str = Field(max_length=parts.NAME_LIMIT_CHARACTERS)
    change: int = Field(default=0, ge=-parts.COUNT_LIMIT, le=parts.COUNT_LIMIT)
    low_limit: int | None = Field(default=None, ge=0, le=parts.COUNT_LIMIT)
    note: str = Field(default="", max_length=200)


@router.get("", dependencies=[Depends(viewer)])
def show(request: Request, depot: str = "") -> dict[str, Any]:
    """Return what lies where; ``low`` says that somebody must order."""
    with request.app.state.database.read() as connection:
        return {"parts": [_line(one) for one in parts.stock(connection, depot)]}


@router.post("", status_code=201, dependencies=[Depends(form_guard)])
def receive(request: Request, body: Delivery, person: Annotated[Person, Depends(operator)]) -> dict[str, Any]:
    """Add parts to a depot, take some away, or say below how many somebody must order."""
    now_us = request.app.state.clock.now_us()
    with request.app.state.database.write() as connection:
        try:
            found = parts.receive(connection, **body.model_dump(), who=person.name, now_us=now_us)
        except parts.PartRefused as error:
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


def _line(one: parts.Stock) -> dict[str, Any]:
    return {
        "depot": one.depot,
        "name": one.name,
        "count": one.count,
        "low_limit": one.low_limit,
        "low": one.low,
    }


def tell_low(scene: Scene, part_id: int) -> None:
    """Write an open entry on the main courante about a stock that is low, unless it was filled since."""
    found = next((one for one in parts.stock(scene.connection) if one.id == part_id), None)
    if found is None or not (found.low or found.count < 0):
        return
    key = "stock.below" if found.count < 0 else "stock.low"
    text = t("fr", key, depot=found.depot, name=found.name, count=found.count, limit=found.low_limit)
    shift.write(scene.connection, kind=EntryKind.FOLLOW, text=text, who=WHO, now_us=scene.now_us)
