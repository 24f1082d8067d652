"""What the port of `fleet serve` answers before the pages are there: 503, and what is waited for.

waiting ─ the database answers, no other process leads ─▶ open: every request goes to the application
"""

import asyncio
from enum import StrEnum
from html import escape

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fleet.lang.i18n import LANGUAGES, t

RETRY_AFTER_S = 5


class WaitsFor(StrEnum):
    """What `fleet serve` waits for."""

    START = "start"
    DATABASE = "database"
    LEADER = "leader"
    """Another process leads: this one stands by."""


class Gate:
    """An ASGI application that answers for another until that is there."""

    def __init__(self) -> None:
        self._application: ASGIApp | None = None
        self.opened = asyncio.Event()
        self.waits_for = WaitsFor.START
        self.detail = ""

    def open(self, application: ASGIApp) -> None:
        """Let every request go to ``application`` from here on."""
        self._application = application
        self.opened.set()

    def waiting(self, reason: WaitsFor, detail: str) -> bool:
        """Say what is waited for; return whether that is news."""
        news = (reason, detail) != (self.waits_for, self.detail)
        self.waits_for, self.detail = reason, detail
        return news

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._application is not None:
            await self._application(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope["path"])(scope, receive, send)

    def _answer(self, path: str) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_S), "Cache-Control": "no-store"}
        if path.startswith(("/api/", "/healthz", "/metrics")):
            wrong = f"{self.waits_for}: {self.detail}" if self.detail else str(self.waits_for)
            body = {"ok": False, "wrong": [wrong], "waits_for": self.waits_for, "detail": self.detail}
            return JSONResponse(body, 503, headers)
        texts = "".join(
            f'<section lang="{lang}"><h1>{escape(t(lang, f"gate.{self.waits_for}"))}</h1>'
            f"<p>{escape(t(lang, f'gate.{self.waits_for}.what'))}</p></section>"
            for lang in LANGUAGES
        )
        detail = f"<p><code>{escape(self.detail)}</code></p>" if self.detail else ""
        head = f'<meta charset="utf-8"><meta http-equiv="refresh" content="{RETRY_AFTER_S}">'
        page = f'<!doctype html><html lang="fr"><head>{head}<title>Passerelle</title></head>'
        return HTMLResponse(f"{page}<body>{texts}{detail}</body></html>", 503, headers)
