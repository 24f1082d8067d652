"""``/api/v1/speed``: bytes both ways for a gateway's speed test; no login.  The command is SPEED_TEST.

Gateways carry no session.  What anybody could draw from it is bounded: one answer, and how many at once.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from agent.wire.command import SPEED_LIMIT_BYTES
from fleet.web.api.examples import problem
from fleet.web.api.problems import Problem

router = APIRouter(prefix="/api/v1", tags=["speed"])
SMALLEST_BYTES = 1_000
AT_ONCE_LIMIT = 4
"""Answers under way; the next is refused."""
CHUNK_BYTES = 64 * 1024
TAKE_WAIT_S = 60.0
"""For a body to arrive: nobody holds a slot for longer."""
_slots = threading.BoundedSemaphore(AT_ONCE_LIMIT)
_BUSY = problem("Others are measuring.", title="Busy", status=503, detail="try again in a minute")
_TOO_MUCH = problem("A body beyond the limit.", title="Too much", status=413, detail="at most 4000000 bytes")
_TOO_SLOW = problem("A body that does not arrive.", title="Too slow", status=408, detail="not all here")
_ANSWER = {"description": "Zeros.", "content": {"application/octet-stream": {}}}


@router.get("/speed", response_class=Response, responses={200: _ANSWER, 503: _BUSY})
async def measure(
    count: Annotated[int, Query(alias="bytes", ge=SMALLEST_BYTES, le=SPEED_LIMIT_BYTES)] = SMALLEST_BYTES,
) -> Response:
    """Return ``bytes`` zeros as fast as they go."""
    if not _slots.acquire(blocking=False):
        raise Problem(503, "Busy", f"{AT_ONCE_LIMIT} speed tests are under way; try again in a minute")
    headers = {"Content-Length": str(count), "Cache-Control": "no-store"}
    return _Zeros(_zeros(count), media_type="application/octet-stream", headers=headers)


@router.post("/speed", responses={408: _TOO_SLOW, 413: _TOO_MUCH, 503: _BUSY})
async def take(request: Request) -> dict[str, int]:
    """Read a body, keep nothing of it, and return how many bytes it had."""
    if not _slots.acquire(blocking=False):
        raise Problem(503, "Busy", f"{AT_ONCE_LIMIT} speed tests are under way; try again in a minute")
    count = 0
    try:
        async with asyncio.timeout(TAKE_WAIT_S):
            async for chunk in request.stream():
                count += len(chunk)
                if count > SPEED_LIMIT_BYTES:
                    raise Problem(413, "Too much", f"at most {SPEED_LIMIT_BYTES} bytes")
    except TimeoutError as error:
        raise Problem(408, "Too slow", f"not all here within {TAKE_WAIT_S:.0f} s") from error
    finally:
        _slots.release()
    return {"bytes": count}


class _Zeros(StreamingResponse):
    """An answer that gives its place back however it ends: read whole, aborted before or amid it, cut off."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(TAKE_WAIT_S):
                await super().__call__(scope, receive, send)
        finally:
            _slots.release()


async def _zeros(count: int) -> AsyncIterator[bytes]:
    chunk = bytes(CHUNK_BYTES)
    for start in range(0, count, CHUNK_BYTES):
        yield chunk[: min(CHUNK_BYTES, count - start)]
