"""One month: its versions, what changed between them and why, and everything to check it with."""

import zlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response
from fastapi.responses import HTMLResponse, StreamingResponse
from sqlalchemy import ColumnElement, Connection, Text, cast, select
from sqlalchemy.engine import RowMapping

from fleet.availability import document
from fleet.months.comparing import comparison_of
from fleet.months.stamping import stamp_of
from fleet.months.tables import month_versions
from fleet.registry.store import Registry, load_registry
from fleet.web import rendering
from fleet.web.views.months import CONTRADICTIONS_SHOWN, contradictions_of, revision_of
from fleet.web.visit import Viewing, Visit

router = APIRouter()
Month = Annotated[str, Path(pattern=r"^\d{4}-\d{2}$")]
OF_A_TERRITORY = ("version", "closed_at_us", "closed_by", "hash", "seal")
PIECE_BYTES = 1 << 14
"""Compressed bytes that are read at once."""
LIST = (*OF_A_TERRITORY, "difference")


@router.get("/rapports/{month}", response_class=HTMLResponse)
def page(month: Month, visit: Viewing) -> HTMLResponse:
    """Show the versions of one month, newest first."""
    with visit.database.read() as connection:
        whole = visit.parts.reach is None
        rows = _versions(connection, month, LIST if whole else OF_A_TERRITORY)
        registry = load_registry(connection)
        names = {eui: one.name for eui, one in registry.gateways.items()}
        names |= {insee: one.name for insee, one in registry.communes.items()}
        revisions = [revision_of(visit.words, row.get("difference") or {}, names) for row in rows]
        epcis = sorted({one.epci for one in registry.communes.values() if one.epci})
        return visit.page(
            "pages/month.html",
            connection,
            month=month,
            versions=list(zip(rows, revisions, strict=True)),
            stamps={row["version"]: stamp_of(connection, month, row["version"]) for row in rows},
            epcis=epcis,
            other=_other_program(connection, month) if whole else None,
            corroboration=_corroboration(visit, connection, month, registry) if whole else None,
        )


def _corroboration(
    visit: Visit, connection: Connection, month: str, registry: Registry
) -> dict[str, Any] | None:
    """Return what the LNS contradicts in the newest version or the open month; None: it was never asked."""
    stored = month_versions.c.figures["corroboration"]
    query = select(stored).where(month_versions.c.month == month).order_by(month_versions.c.version.desc())
    found = connection.scalar(query.limit(1))
    if found is None:
        compared = visit.parts.compared()
        return contradictions_of(compared, registry.gateways.values()) if compared.month == month else None
    names = {eui: one.name for eui, one in registry.gateways.items()}
    rows = [one | {"name": names.get(one["eui"], one["eui"])} for one in found["listed"]]
    return dict(found) | {"listed": rows[:CONTRADICTIONS_SHOWN]}


def _other_program(connection: Connection, month: str) -> dict[str, Any] | None:
    """Return what today's program would say otherwise of a month that another one closed, as far as known."""
    row = month_versions.c
    query = select(row.figures["code"].as_string(), row.version).where(row.month == month)
    newest = connection.execute(query.order_by(row.version.desc()).limit(1)).first()
    if newest is None or newest[0] == document.CODE:
        return None
    return {"code": newest[0], "compared": comparison_of(connection, month, newest[1])}


def _versions(connection: Connection, month: str, columns_: tuple[str, ...]) -> list[RowMapping]:
    columns = [month_versions.c[name] for name in columns_]
    query = select(*columns).where(month_versions.c.month == month).order_by(month_versions.c.version.desc())
    return list(connection.execute(query).mappings())


@router.get("/rapports/{month}/v{number}/faits.ndjson")
def facts(month: Month, number: int, visit: Viewing) -> Response:
    """Return the facts of one version as they were frozen: `passerelle fleet compute` finds the same hash."""
    content = _inflated(_column(visit, month, number, month_versions.c.facts))
    return _download(content, f"faits-{month}-v{number}.ndjson", "application/x-ndjson")


@router.get("/rapports/{month}/v{number}/chiffres.json")
def figures(month: Month, number: int, visit: Viewing) -> Response:
    """Return the figures of one version."""
    content = _column(visit, month, number, cast(month_versions.c.figures, Text)).encode()
    return _download(content, f"chiffres-{month}-v{number}.json", "application/json")


@router.get("/rapports/{month}/v{number}/sceau.tsr")
def stamp(month: Month, number: int, visit: Viewing) -> Response:
    """Return the time stamp over the seal of one version, as the authority gave it."""
    with visit.database.read() as connection:
        found = stamp_of(connection, month, number)
    if found is None or found["response"] is None:
        raise HTTPException(404)
    return _download(found["response"], f"sceau-{month}-v{number}.tsr", "application/timestamp-reply")


def _column(visit: Visit, month: str, number: int, column: ColumnElement[Any]) -> Any:
    mine = (month_versions.c.month == month) & (month_versions.c.version == number)
    with visit.database.read() as connection:
        found = connection.scalar(select(column).where(mine))
    if found is None:
        raise HTTPException(404)
    return found


def _inflated(compressed: bytes) -> Iterator[bytes]:
    """Yield what was compressed, piece by piece: the facts of a month are 30 MB and more."""
    inflating = zlib.decompressobj()
    for at in range(0, len(compressed), PIECE_BYTES):
        yield inflating.decompress(compressed[at : at + PIECE_BYTES])
    yield inflating.flush()


def _download(content: bytes | Iterator[bytes], name: str, kind: str) -> Response:
    headers = dict(rendering.HEADERS) | {"Content-Disposition": f'attachment; filename="{name}"'}
    if isinstance(content, bytes):
        return Response(content, media_type=kind, headers=headers)
    return StreamingResponse(content, media_type=kind, headers=headers)
