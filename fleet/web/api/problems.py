"""Errors as ``application/problem+json`` (RFC 9457) for machines; pages get a redirect or plain words."""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from fleet.child.process import ChildBusy, ChildFailed
from fleet.db.bounded import OutOfReach
from fleet.db.connect import CommitUnsure, first_line, is_damaged
from fleet.lang.i18n import LANGUAGES, t
from fleet.web.access import LoginNeeded, NotAllowed
from fleet.web.gate import RETRY_AFTER_S

MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"
SEE_OTHER = 303
CHILD_RETRY_S = 60
"""What another month or report takes at most, usually."""

log = structlog.get_logger("fleet.web.problems")


class Problem(Exception):
    """An error with the field that it is about."""

    def __init__(self, status: int, title: str, detail: str, **extra: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.extra = extra


def problem_response(status: int, title: str, detail: str, **extra: Any) -> JSONResponse:
    """Return one problem as JSON."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | extra
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer every error of ``app`` in its proper form."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(LoginNeeded, _login)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(OutOfReach, _out_of_reach)
    app.add_exception_handler(OverflowError, _too_large)
    for waits in (ChildBusy, ChildFailed):
        app.add_exception_handler(waits, _child_away)
    for away in (OperationalError, InterfaceError, PoolTimeoutError, CommitUnsure):
        app.add_exception_handler(away, _database_away)
    app.add_exception_handler(Exception, _mistake)


def _for_machines(request: Request) -> bool:
    return request.url.path.startswith(API_PREFIX) or request.url.path == "/healthz"


def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    answer = problem_response(error.status, error.title, error.detail, **error.extra)
    if "retry_after_s" in error.extra:
        answer.headers["Retry-After"] = str(error.extra["retry_after_s"])
    return answer


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if _for_machines(request):
        answer: Response = problem_response(error.status_code, str(error.detail), str(error.detail))
    else:
        answer = PlainTextResponse(f"{error.status_code} {error.detail}", error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    problems = [{"field": ".".join(str(part) for part in one["loc"]), "detail": one["msg"]} for one in found]
    if not _for_machines(request):
        text = "\n".join(f"{one['field']}: {one['detail']}" for one in problems)
        return PlainTextResponse(text, 422)
    detail = f"{problems[0]['field']}: {problems[0]['detail']}" if problems else "not valid"
    return problem_response(422, "Request not valid", detail, errors=problems)


def _out_of_reach(request: Request, error: Exception) -> Response:
    return _not_allowed(request, NotAllowed("territory", str(error)))


def _too_large(request: Request, _error: Exception) -> Response:
    """Answer a number that no database holds."""
    if _for_machines(request):
        return problem_response(422, "Request not valid", "a number is out of range")
    return PlainTextResponse("422 a number is out of range", 422)


def _database_away(request: Request, error: Exception) -> Response:
    """Answer for a database that is away or busy: the same request may do in a moment."""
    detail = first_line(error)
    if _for_machines(request):
        answer: Response = problem_response(503, "The database does not answer", detail)
    else:
        words = "\n".join(f"{t(lang, 'gate.database')} ({detail})" for lang in LANGUAGES)
        answer = PlainTextResponse(f"503 {words}", 503)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _child_away(request: Request, error: Exception) -> Response:
    """Answer for a month or report that could not be worked on: the same request may do in a minute."""
    log.warning("child_failed", reason=str(error))
    if _for_machines(request):
        answer: Response = problem_response(503, "Not computed", "busy or interrupted; ask again in a minute")
    else:
        words = "\n".join(t(lang, "child.away") for lang in LANGUAGES)
        answer = PlainTextResponse(f"503 {words}", 503)
    answer.headers["Retry-After"] = str(CHILD_RETRY_S)
    return answer


def _mistake(request: Request, error: Exception) -> Response:
    """Answer what is our own mistake; the server logs the traceback, the answer repeats nothing of it."""
    if is_damaged(error):
        return _database_away(request, error)
    detail = f"{type(error).__name__}; the log of the fleet manager says more"
    if _for_machines(request):
        return problem_response(500, "Our mistake", detail)
    return PlainTextResponse(f"500 {detail}", 500)


def _login(request: Request, error: Exception) -> Response:
    assert isinstance(error, LoginNeeded)
    if _for_machines(request):
        return problem_response(
            401, "Login needed", "log in first, or send Authorization: Bearer with a machine's token"
        )
    return RedirectResponse(error.location, SEE_OTHER)


def _not_allowed(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotAllowed)
    if _for_machines(request):
        return problem_response(403, "Not allowed", error.detail, field=error.field)
    return PlainTextResponse(f"403 {error.detail}", 403)
