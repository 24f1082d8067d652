"""Messages that could not serve as evidence, with the reason."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from fleet.evidence.tables import refused_messages
from fleet.web.visit import Viewing

router = APIRouter()
PAGE_ROWS = 100


@router.get("/messages-refuses", response_class=HTMLResponse)
def page(visit: Viewing, avant: int | None = None) -> HTMLResponse:
    """Show one page, newest first."""
    columns = [
        refused_messages.c[name] for name in ("id", "topic", "payload_bytes", "reason", "recorded_at_us")
    ]
    query = select(*columns).order_by(refused_messages.c.id.desc()).limit(PAGE_ROWS)
    if avant is not None:
        query = query.where(refused_messages.c.id < avant)
    with visit.database.read() as connection:
        rows = connection.execute(query).mappings().all()
        older = f"/messages-refuses?avant={rows[-1]['id']}" if len(rows) == PAGE_ROWS else ""
        return visit.page("pages/refused.html", connection, rows=rows, older=older)
