"""Reports of closed months."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from fleet.web.pages.visit import Viewing

router = APIRouter()


@router.get("/rapports", response_class=HTMLResponse)
def page(visit: Viewing) -> HTMLResponse:
    """Show the reports there are."""
    with visit.database.read() as connection:
        return visit.page("pages/reports.html", connection)
