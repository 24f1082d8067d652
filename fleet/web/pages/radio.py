"""The network's radio: how full and how noisy the air is, and who hears less than expected."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from fleet.airtime.growth import PLANNED_OBJECTS
from fleet.web.air import air_of
from fleet.web.pages import listing
from fleet.web.views import radio
from fleet.web.visit import Viewing

router = APIRouter()
NAMED_LIMIT = 12
"""Gateways that stand in words above the table; all of them are in it."""


@router.get("/radio", response_class=HTMLResponse)
def page(visit: Viewing) -> Response:
    """Show the radio of every gateway, the worst first."""
    air = air_of(visit.parts)
    rows = radio.rows_of(visit.network, air.survey, air.silent, air.growth)
    table = listing.Table(
        template="pages/radio.html",
        filename="radio",
        columns=radio.columns(),
        export_columns=radio.export_columns,
        order="state",
    )
    named = sorted((row for row in rows if row.state in radio.NAMED), key=lambda row: radio.RANK[row.state])
    with visit.database.read() as connection:
        return listing.answer(
            visit,
            connection,
            table,
            radio.filtered(rows, *listing.filters_of(visit)),
            air=air,
            named=[(row, radio.sentence_of(visit.words, row)) for row in named[:NAMED_LIMIT]],
            named_more=max(0, len(named) - NAMED_LIMIT),
            edges=radio.edges(rows, NAMED_LIMIT),
            first=radio.first_full(rows),
            full_by_plan=radio.full_by_plan(rows),
            planned=PLANNED_OBJECTS,
            curves=radio.hours_of(visit.words, air.survey),
            cell=lambda row: radio.cell_in_words(visit.words, row),
            **listing.chips(visit, [row.state for row in rows], list(radio.AirState)),
        )
