"""The month so far, and the reports of closed months."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from fleet.availability.settings import DEFAULTS
from fleet.registry.store import load_communes
from fleet.web.pages.visit import Viewing
from fleet.web.views import months
from fleet.web.views.tables import csv_text

router = APIRouter()


@router.get("/rapports", response_class=HTMLResponse)
def page(visit: Viewing, csv: bool = False) -> Response:
    """Show the month so far as the report will tell it."""
    result = visit.past.month
    with visit.database.read() as connection:
        communes = {one.insee: one for one in load_communes(connection)}
        month = months.view_of(result, communes, DEFAULTS)
        if csv:
            text = csv_text(visit.lang, months.columns(visit.words), month.communes)
            return visit.csv(f"communes-{month.month}", text)
        return visit.page("pages/reports.html", connection, month=month, settings=DEFAULTS)
