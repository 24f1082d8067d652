"""The audit trail: every write, newest first, page by page."""

import json

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from sqlalchemy import select

from fleet.identity.tables import audit_log
from fleet.web.visit import Viewing

router = APIRouter()
PAGE_ROWS = 100
DETAIL_LIMIT = 240
"""Characters of one line's detail; the rest is in the database."""


@router.get("/journal", response_class=HTMLResponse)
def page(visit: Viewing, avant: int | None = None) -> HTMLResponse:
    """Show one page of the trail."""
    query = select(audit_log).order_by(audit_log.c.id.desc()).limit(PAGE_ROWS)
    if avant is not None:
        query = query.where(audit_log.c.id < avant)
    with visit.database.read() as connection:
        rows = [dict(row) for row in connection.execute(query).mappings()]
        for row in rows:
            row["detail"] = _told(row["after"])
        older = f"/journal?avant={rows[-1]['id']}" if len(rows) == PAGE_ROWS else ""
        return visit.page("pages/audit.html", connection, rows=rows, older=older)


def _told(after: object) -> str:
    if not isinstance(after, dict):
        return ""
    said = (
        f"{name} {value if isinstance(value, str) else json.dumps(value)}" for name, value in after.items()
    )
    text = " · ".join(said)
    return text if len(text) <= DETAIL_LIMIT else text[: DETAIL_LIMIT - 1] + "…"
