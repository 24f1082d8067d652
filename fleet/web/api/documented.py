"""The OpenAPI document as machines read it: every operation with an example of its answer and its refusals.

Features tell what is their own; what all of them share (401, 403, 404, 405, 422, 429, 500 as problem+json)
and examples that a feature does not carry are added here, once.
"""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from fleet.web.api.examples import REFUSALS, problem
from fleet.web.api.problems import API_PREFIX

METHODS: Final = ("get", "post", "put", "patch", "delete")
SHARED: Final = {
    **REFUSALS,
    400: problem(
        "Not readable.", title="Bad Request", status=400, detail="There was an error parsing the body"
    ),
    405: problem("Not this method.", title="Method Not Allowed", status=405, detail="Method Not Allowed"),
    409: problem("Not now.", title="Conflict", status=409, detail="the ticket is closed"),
    413: problem("Too large.", title="Too large", status=413, detail="file: at most 8388608 bytes"),
    429: problem("Too often.", title="Too often", status=429, detail="try again in 12 s", retry_after_s=12),
    500: problem("Our mistake.", title="Our mistake", status=500, detail="KeyError; the log says more"),
}
_REQUEST: Final[dict[str, Any]] = {
    "id": 4,
    "kind": "push",
    "subject": "0016c001f1370001",
    "author": "anne",
    "reason": "nouveau serveur",
    "asked_at_us": 1_764_000_000_000_000,
    "expires_at_us": 1_764_259_200_000_000,
    "needs_second": True,
    "state": "waiting",
    "decided_by": "",
    "decided_at_us": None,
    "decided_why": "",
    "due_at_us": None,
    "outcome": "",
    "changes": {"connectors.0.host": "lns.example.fr"},
}
TICKET: Final[dict[str, Any]] = {
    "id": 12,
    "state": "acknowledged",
    "criticality": "MAJOR",
    "title": "Vouvray",
    "reported_at_us": 1_795_358_680_497_242,
    "acknowledged_at_us": 1_795_358_980_497_242,
}
PART: Final[dict[str, Any]] = {"depot": "Tours", "name": "RAK5146", "count": 4, "low_limit": 2, "low": False}
EXAMPLES: Final[dict[tuple[str, str], Any]] = {
    ("get", "/api/v1/incidents"): {"incidents": [{"id": 7, "state": "open", "tickets": [TICKET]}]},
    ("get", "/api/v1/tickets"): {"tickets": [TICKET]},
    ("post", "/api/v1/tickets"): {"ticket": 12},
    ("get", "/api/v1/tickets/statistics"): {
        "from_us": 1_793_487_600_000_000,
        "until_us": 1_796_079_600_000_000,
        "statistics": {
            "tickets": 4,
            "intervention": {"met": 3, "met_remotely": 1, "missed": 0, "running": 0},
        },
    },
    ("get", "/api/v1/tickets/{ticket_id}"): {"ticket": TICKET, "trail": [], "messages": []},
    ("post", "/api/v1/tickets/{ticket_id}/steps"): {"ticket": 12, "state": "on_site"},
    ("get", "/api/v1/approvals"): {"approvals": [_REQUEST]},
    ("post", "/api/v1/approvals/{number}"): _REQUEST,
    ("post", "/api/v1/tickets/{ticket_id}/code"): {
        "ticket": 12,
        "gateways": ["0016c001f1370001"],
        "expires_at_us": 1_764_000_600_000_000,
    },
    ("post", "/api/v1/tickets/{ticket_id}/verify"): {"ticket": 12, "restored": False},
    ("post", "/api/v1/tickets/{ticket_id}/merge/{into}"): {"ticket": 12, "merged_into": 11},
    ("post", "/api/v1/tickets/{ticket_id}/split"): {"ticket": 12, "split": ["0016c001f12a3b4c"]},
    ("post", "/api/v1/tickets/{ticket_id}/photos"): {"photo": 3},
    ("get", "/api/v1/tickets/{ticket_id}/photos/{photo_id}"): "the picture",
    ("get", "/api/v1/on-call"): {"on_call": [{"level": 1, "person_id": 2}], "plan": [], "holes": []},
    ("get", "/api/v1/on-call/hours"): {
        "people": [{"name": "Anne", "hours": 168.0, "sunday_hours": 24.0, "holiday_hours": 0.0}]
    },
    ("post", "/api/v1/on-call/overrides"): {"stored": True},
    ("get", "/api/v1/parts"): {"parts": [PART]},
    ("post", "/api/v1/parts"): PART,
    ("get", "/api/v1/releases/{kind}/{name}"): "the file",
    ("get", "/api/v1/speed"): "zeros",
    ("post", "/api/v1/speed"): {"bytes": 65_536},
    ("get", "/healthz"): {"ok": True, "wrong": [], "cycles": 4_211, "broker_connected": True},
}
"""Answers of operations whose feature carries no example of its own."""
FILES: Final[dict[tuple[str, str], Any]] = {
    ("get", "/api/v1/on-call/hours.csv"): {"text/csv": {"example": "Personne;Heures;…"}},
}
"""Answers that are files, of operations whose feature does not say so."""


def install(app: FastAPI) -> None:
    """Let ``app`` tell its document with all of it."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            plain = get_openapi(title=app.title, version=app.version, routes=app.routes)
            app.openapi_schema = completed(plain)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the refusals and examples that are missing."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in METHODS:
                _complete(path, method, operation)
    return document


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    answers = operation.setdefault("responses", {})
    if path.startswith(API_PREFIX):
        for status, refusal in SHARED.items():
            told = answers.get(str(status))
            if told is None or "application/problem+json" not in told.get("content", {}):
                answers[str(status)] = refusal
        if method == "get":
            answers.setdefault("304", {"description": "As `If-None-Match` says."})
    good = next(status for status in sorted(answers) if status.startswith("2"))
    if (method, path) in FILES:
        answers[good]["content"] = FILES[method, path]
    example = EXAMPLES.get((method, path))
    if example is not None:
        for content in answers[good].setdefault("content", {"application/json": {}}).values():
            content.setdefault("example", example)


def without_example(document: dict[str, Any]) -> list[str]:
    """Return the operations whose good answer has a body and no example."""
    found = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            good = [told for status, told in operation["responses"].items() if status.startswith("2")]
            contents = [content for told in good for content in told.get("content", {}).values()]
            if contents and not any("example" in one or "examples" in one for one in contents):
                found.append(f"{method} {path}")
    return found
