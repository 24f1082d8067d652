"""One search over gateways, communes and tickets."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from fleet.registry.store import load_registry
from fleet.tickets import store as tickets
from fleet.web.views.search import TEXT_LIMIT, found_in
from fleet.web.visit import Viewing

router = APIRouter()


@router.get("/recherche", response_class=HTMLResponse)
def page(visit: Viewing, q: str = "") -> Response:
    """Show what matches; a single match opens at once."""
    text = q[:TEXT_LIMIT]
    with visit.database.read() as connection:
        recent = [shown.ticket for shown in tickets.recent(connection, visit.now_us)]
        found = found_in(text, load_registry(connection), recent)
        if len(found) == 1:
            return RedirectResponse(found[0].href, 303)
        return visit.page("pages/search.html", connection, found=found, text=text)
