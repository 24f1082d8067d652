"""``GET /api/v1/speed``: bytes for a gateway's speed test (``agent.wire.command``, SPEED_TEST); no login.

Gateways carry no session.  What anybody could draw from it is bounded: one answer, and how many at once.
"""

import threading
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from agent.wire.command import SPEED_LIMIT_BYTES
from fleet.api.examples import problem
from fleet.api.problems import Problem

router = APIRouter(prefix="/api/v1", tags=["speed"])
SMALLEST_BYTES = 1_000
AT_ONCE_LIMIT = 4
"""Answers under way; the next is refused."""
CHUNK_BYTES = 64 * 1024
_slots = threading.BoundedSemaphore(AT_ONCE_LIMIT)
_BUSY = problem("Others are measuring.", title="Busy", status=503, detail="try again in a minute")
_ANSWER = {"description": "Zeros.", "content": {"application/octet-stream": {}}}


@router.get("/speed", response_class=Response, responses={200: _ANSWER, 503: _BUSY})
def measure(
    count: Annotated[int, Query(alias="bytes", ge=SMALLEST_BYTES, le=SPEED_LIMIT_BYTES)] = SMALLEST_BYTES,
) -> Response:
    """Return ``bytes`` zeros as fast as they go."""
    if not _slots.acquire(blocking=False):
        raise Problem(503, "Busy", f"{AT_ONCE_LIMIT} speed tests are under way; try again in a minute")
    headers = {"Content-Length": str(count), "Cache-Control": "no-store"}
    return StreamingResponse(_zeros(count), media_type="application/octet-stream", headers=headers)


def _zeros(count: int) -> Iterator[bytes]:
    try:
        chunk = bytes(CHUNK_BYTES)
        for start in range(0, count, CHUNK_BYTES):
            yield chunk[: min(CHUNK_BYTES, count - start)]
    finally:
        _slots.release()
