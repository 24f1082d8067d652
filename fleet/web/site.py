"""The pages of one application: routers, static files, and errors as pages for people."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import Scope

from fleet.db.bounded import OutOfReach
from fleet.identity.people import Person
from fleet.web.access import NotAllowed, proxy_fault
from fleet.web.api import approvals
from fleet.web.pages import (
    administration,
    calls,
    frame,
    gateways,
    layers,
    live,
    months,
    network,
    order,
    orders,
    parts,
    radio,
    registry,
    reports,
    rollout,
    rollouts,
    search,
    shift,
    sites,
    stopping,
    territory,
    ticket_doors,
    ticket_lists,
    tickets,
    wall,
    works,
)
from fleet.web.process_parts import current_person
from fleet.web.rendering import FOLDER, Words
from fleet.web.visit import Visit, words_of

PAGES: tuple[APIRouter, ...] = (
    network.router,
    ticket_lists.router,
    administration.router,
    frame.router,
    territory.router,
    gateways.router,
    radio.router,
    layers.router,
    stopping.router,
    calls.router,
    tickets.router,
    works.router,
    orders.router,
    order.router,
    approvals.forms,
    rollouts.router,
    rollout.router,
    reports.router,
    months.router,
    registry.router,
    sites.router,
    parts.router,
    search.router,
    ticket_doors.router,
    shift.router,
    live.router,
    wall.router,
)
MACHINE_PATHS = ("/api/", "/healthz", "/metrics")
ORIGIN = "origin"
"""``NotAllowed.field`` of a form that another site sent, or that a proxy makes look so."""
KNOWN_CODES = (403, 404, 409, 422, 500, 503)

SMALL_BYTES = 1_000
"""Below, an answer fits one packet as it is."""
COMPRESSION = 4
"""A page of 200 rows takes 2 ms and a seventh of its size; level 9 takes four times that for 3 % less.

Tokens in pages are safe from BREACH: the session's cookie is SameSite, another site's guesses lack it.
"""
FOR_EVER = "public, max-age=31536000, immutable"

Handler = Callable[[Request, Exception], Any]


def mount_site(app: FastAPI) -> None:
    """Add everything that a browser asks for."""
    for router in PAGES:
        app.include_router(router, include_in_schema=False)
    app.mount("/static", BundledFiles(directory=FOLDER / "static", check_dir=False), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=SMALL_BYTES, compresslevel=COMPRESSION)
    for kind in (HTTPException, RequestValidationError, NotAllowed, OutOfReach):
        app.add_exception_handler(kind, _page_for_people(app.exception_handlers.get(kind)))


class BundledFiles(StaticFiles):
    """Static files; those whose address carries their content's hash are never asked for again."""

    def file_response(
        self, full_path: Any, stat_result: Any, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file with how long it may be kept."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        if b"v=" in scope.get("query_string", b""):
            answer.headers["Cache-Control"] = FOR_EVER
        return answer


def _page_for_people(machine: Any) -> Handler:
    """Return a handler that answers people with a page and leaves machines to the handler before."""

    async def handler(request: Request, error: Exception) -> Response:
        if machine is not None and request.url.path.startswith(MACHINE_PATHS):
            answer: Response = machine(request, error)
            return answer
        return error_page(request, error)

    return handler


def error_page(request: Request, error: Exception) -> Response:
    """Return the page of one error: what happened, what was not changed, what to do."""
    code = _code(error)
    shown: int | str = code if code in KNOWN_CODES else (500 if code >= 500 else 404)
    if isinstance(error, NotAllowed) and error.field == ORIGIN:
        shown = ORIGIN
    visit = Visit(request=request, person=None, words=words_of(request))
    person = current_person(request)
    values: dict[str, Any] = {
        "code": code,
        "head": visit.words.t(f"error.{shown}"),
        "text": visit.words.t(f"error.{shown}.what"),
        "detail": _origin(visit) if shown == ORIGIN else _detail(visit.words, error, person),
        "person": person,
    }
    answer = visit.bare("pages/error.html", status=code, **values)
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _origin(visit: Visit) -> str:
    """Return which setting or header makes a form of ours look like another site's, and the command."""
    if fault := proxy_fault(visit.request):
        return fault.in_words(visit.lang)
    public = urlsplit(visit.parts.settings.public_url).netloc
    headers = visit.request.headers
    origin = urlsplit(headers.get("origin", ""))
    host, sender = headers.get("host", ""), f"{origin.scheme}://{origin.netloc}"
    return visit.words.t("error.origin.public", origin=sender, host=host, public=public)


def _code(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    return 422 if isinstance(error, RequestValidationError) else 403


def _detail(words: Words, error: Exception, person: Person | None) -> str:
    if isinstance(error, RequestValidationError):
        fields = [".".join(str(part) for part in one["loc"][1:]) for one in error.errors()]
        return "; ".join(words.t("error.422.field", field=field) for field in fields)
    if isinstance(error, OutOfReach):
        return words.t("error.403.territory")
    if isinstance(error, NotAllowed):
        role = words.t(f"role.{person.role}") if person else "—"
        return words.t(f"error.403.{error.field}", role=role)
    detail = str(getattr(error, "detail", ""))
    return "" if detail in ("Not Found", "Forbidden", "Conflict", "Method Not Allowed") else detail
