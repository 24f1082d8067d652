"""Spare parts over HTTP: ``/api/v1/parts``."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, Field

from fleet.identity import audit
from fleet.identity.people import Person
from fleet.tickets import parts as spare_parts
from fleet.web.access import form_guard, operator, viewer
from fleet.web.process_parts import Shared

router = APIRouter(prefix="/api/v1/parts")


class Delivery(BaseModel):
    """Parts that came to a depot, or left it without a ticket."""

    depot: str = Field(max_length=80)
    name: str = Field(max_length=spare_parts.NAME_LIMIT_CHARACTERS)
    change: int = Field(default=0, ge=-spare_parts.COUNT_LIMIT, le=spare_parts.COUNT_LIMIT)
    low_limit: int | None = Field(default=None, ge=0, le=spare_parts.COUNT_LIMIT)
    note: str = Field(default="", max_length=200)


@router.get("", dependencies=[Depends(viewer)])
def show(parts: Shared, depot: str = "") -> dict[str, Any]:
    """Return what lies where; ``low`` says that somebody must order."""
    with parts.database.read() as connection:
        return {"parts": [_line(one) for one in spare_parts.stock(connection, depot)]}


@router.post("", status_code=201, dependencies=[Depends(form_guard)])
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
