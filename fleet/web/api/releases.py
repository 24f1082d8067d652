"""``/api/v1/releases``: signed lists and the parts of releases, for gateways; no login.

What is here is signed and holds no secret: the program is published.  What anybody could draw is bounded:
what lies in the repository, and how many answers at once.
"""

import asyncio
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Path as PathPart
from fastapi.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from fleet.trust.repository import Repository
from fleet.web.api.examples import problem
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Parts, Shared

router = APIRouter(prefix="/api/v1/releases", tags=["releases"])
AT_ONCE_LIMIT = 32
"""Answers under way; the next is refused.  A gateway tries again later."""
ANSWER_WAIT_S = 600.0
"""Who draws slower is cut off and asks from the next byte on; the largest part takes 109 s at 256 kbit/s."""
_slots = threading.BoundedSemaphore(AT_ONCE_LIMIT)
_BUSY = problem("Others are fetching.", title="Busy", status=503, detail="try again in a minute")
_ABSENT = problem("Nothing of that name.", title="Not found", status=404, detail="not in the repository")
_BEYOND = {"description": "A range that begins beyond the end of the file."}
_BYTES: dict[str, object] = {"application/octet-stream": {}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": _BYTES},
    206: {"description": "The rest of the file, from the byte that Range names.", "content": _BYTES},
    404: _ABSENT,
    416: _BEYOND,
    503: _BUSY,
}
Kind = Literal["metadata", "targets", "parts"]
Name = Annotated[str, PathPart(pattern=r"^[0-9A-Za-z][0-9A-Za-z._+-]{0,200}$")]


@router.get("/{kind}/{name}", response_class=Response, responses=_ANSWERS)
def give(kind: Kind, name: Name, parts: Shared) -> Response:
    """Return a document (``metadata``), a file that the list names (``targets``), or a part of a release."""
    path = _published(parts, kind, name)
    if path is None:
        raise Problem(404, "Not found", f"{kind}/{name}: not in the repository")
    if not _slots.acquire(blocking=False):
        raise Problem(503, "Busy", f"{AT_ONCE_LIMIT} downloads are under way; try again in a minute")
    return _Given(path)


def _published(parts: Parts, kind: Kind, name: str) -> Path | None:
    """Return the file; the state of the lists is signed anew when somebody asks for it and it is stale."""
    repository = Repository(parts.settings.data)
    if name == "timestamp.json":
        repository.renew(datetime.fromtimestamp(parts.clock.now_us() / 1_000_000, UTC))
    return repository.file(kind, name)


class _Given(FileResponse):
    """An answer, whole or from a byte on, that gives its place back however it ends."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(ANSWER_WAIT_S):
                await super().__call__(scope, receive, send)
        finally:
            _slots.release()
