"""One page of a list and its ETag: ``{"items": […], "next": "…"}``; instants are microseconds UTC."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

PAGE_DEFAULT = 100
PAGE_LIMIT = 1_000
Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT, description="Rows of one page.")]
After = Annotated[str, Query(max_length=64, description="`next` of the page before.")]
MONTH_PATTERN = r"^20\d{2}-(0[1-9]|1[0-2])$"
Month = Annotated[
    str, Query(pattern=MONTH_PATTERN, examples=["2026-10"], description="The present one by default.")
]
RowId = Annotated[int, Field(ge=1, le=2**63 - 1)]
"""A number of a row, as far as a database counts."""
Instant = Annotated[int, Field(ge=0, le=4_102_444_800_000_000)]
"""Microseconds UTC, up to the year 2100."""
Row = TypeVar("Row")


def first_of(found: Sequence[Row], limit: int, key: Callable[[Row], str]) -> tuple[Sequence[Row], str | None]:
    """Return the rows of a page, and the key to ask on with; ``found`` is one row more if there are more.

    >>> first_of(["a", "b", "c"], 2, str.upper)
    (['a', 'b'], 'B')
    """
    chosen = found[:limit]
    return chosen, key(chosen[-1]) if len(found) > limit else None


def page_of(items: list[Row], keys: list[str], *, limit: int, after: str) -> tuple[list[Row], str | None]:
    """Return the rows behind key ``after`` and the key to ask on with; ``keys`` are sorted.

    >>> page_of(["A", "B", "C"], ["a", "b", "c"], limit=2, after="")
    (['A', 'B'], 'b')
    >>> page_of(["A", "B", "C"], ["a", "b", "c"], limit=2, after="b")
    (['C'], None)
    """
    start = next((index for index, key in enumerate(keys) if key > after), len(keys)) if after else 0
    chosen = items[start : start + limit]
    more = start + limit < len(items)
    return chosen, keys[start + limit - 1] if more else None


def answer(request: Request, value: Any) -> Response:
    """Return ``value`` as JSON, or 304 when the client has it already."""
    return file_answer(request, msgspec.json.encode(value), "application/json")


def file_answer(request: Request, body: bytes, media_type: str, *, name: str = "") -> Response:
    """Return bytes, saved as ``name`` if there is one, or 304 when the client has them already."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    known = [part.strip() for part in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(body, media_type=media_type, headers=headers)
