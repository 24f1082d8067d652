"""``/api/v1/registry`` and ``/api/v1/sites``: sheets in and out, sites with papers and history."""

from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from sqlalchemy import Connection, select

from fleet.errors import MistakeError
from fleet.exchange import FileRefused, RegistryChanged, check_file, take_in
from fleet.identity.people import Person
from fleet.registry import sheets
from fleet.registry.sheet import SheetError
from fleet.registry.tables import agreements, hangings, sites
from fleet.web.access import form_guard, operator, viewer
from fleet.web.api.examples import NOT_MODIFIED, REFUSALS, problem, shown
from fleet.web.api.paging import PAGE_DEFAULT, After, Limit, answer, file_answer, first_of
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Parts, Shared

BODY_LIMIT_BYTES = 16 * 1024 * 1024
"""1,615 gateways are 400 kB as CSV; larger files go by `passerelle fleet import`."""
FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_SHEETS = {kind.partition(";")[0]: {"example": "EUI;Passerelle;…"} for kind in FORMS.values()}
router = APIRouter(prefix="/api/v1", tags=["registry"], responses=REFUSALS)
Form = Annotated[str, Query(pattern="^(csv|xlsx|json)$", examples=["csv"])]
SITE: dict[str, Any] = {
    "key": "vouvray-mairie",
    "name": "Mairie de Vouvray",
    "kind": "town_hall",
    "commune_insee": "37281",
    "owner": "Commune de Vouvray",
    "address": "Place de la Mairie",
    "lat": 47.411,
    "lon": 0.799,
    "power_feeder": "F1",
    "agreements": [{"kind": "owner", "asked_on": "2026-03-02", "given_on": "2026-04-10", "reference": "12"}],
    "hangings": [{"eui": "0016c001f12a3b4c", "from_us": 1_795_358_680_497_242, "until_us": None}],
}
_IMPORTED = {"dry_run": True, "counts": {"sites": 2, "gateways": 3, "agreements": 4}}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_PROBLEMS = problem(
    "The file has problems; nothing was changed.",
    title="Import refused",
    status=422,
    detail="registre.csv: 1 problems, nothing was changed",
    errors=["line 3, column « EUI »: is not an EUI"],
)


@router.get(
    "/sites",
    dependencies=[Depends(viewer)],
    responses=NOT_MODIFIED | {200: shown("One page.", {"items": [SITE], "next": None})},
)
def list_sites(
    request: Request,
    parts: Shared,
    limit: Limit = PAGE_DEFAULT,
    after: After = "",
) -> Response:
    """Return sites by key, with papers and the boxes that hung there; access notes are for people on duty."""
    with parts.database.read() as connection:
        query = select(sites).where(sites.c.key > after).order_by(sites.c.key).limit(limit + 1)
        found = connection.execute(query).mappings().all()
        chosen, following = first_of(found, limit, lambda row: str(row["key"]))
        items = _with_papers(connection, [dict(row) for row in chosen])
    return answer(request, {"items": items, "next": following})


def _with_papers(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ids = [row["id"] for row in rows]
    by_id = {row["id"]: {name: row[name] for name in SITE if name in row} for row in rows}
    for one in by_id.values():
        one |= {"agreements": [], "hangings": []}
    papers = select(agreements).where(agreements.c.site_id.in_(ids)).order_by(agreements.c.kind)
    for paper in connection.execute(papers).mappings():
        fields = ("kind", "asked_on", "given_on", "reference")
        by_id[paper["site_id"]]["agreements"].append({name: paper[name] for name in fields})
    past = select(hangings).where(hangings.c.site_id.in_(ids)).order_by(hangings.c.from_at_us)
    for hung in connection.execute(past).mappings():
        row = {"eui": hung["eui"], "from_us": hung["from_at_us"], "until_us": hung["until_at_us"]}
        by_id[hung["site_id"]]["hangings"].append(row)
    return list(by_id.values())


@router.get(
    "/registry",
    response_class=Response,
    dependencies=[Depends(operator)],
    responses=NOT_MODIFIED | {200: {"content": _SHEETS}},
)
def export(
    request: Request, parts: Shared, form: Annotated[str, Query(pattern="^(csv|xlsx)$")] = "csv"
) -> Response:
    """Return the registry as a sheet that can be imported again."""
    with parts.database.read() as connection:
        cells = sheets.export_cells(connection)
    with TemporaryDirectory() as folder:
        path = FilePath(folder) / f"registre.{form}"
        sheets.write_cells(path, cells)
        return file_answer(request, path.read_bytes(), FORMS[form], name=path.name)


@router.post(
    "/registry",
    dependencies=[Depends(form_guard)],
    openapi_extra=_BODY,
    responses={200: shown("What was, or would be, imported.", _IMPORTED), 422: _PROBLEMS},
)
async def import_sheet(
    request: Request,
    parts: Shared,
    person: Annotated[Person, Depends(operator)],
    form: Form = "csv",
    dry_run: bool = False,
) -> Response:
    """Check a sheet whole, then apply it whole; every problem is named by line and column."""
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_LIMIT_BYTES:
            raise Problem(413, "Too large", f"body: at most {BODY_LIMIT_BYTES} bytes", field="body")
    counts = await run_in_threadpool(_apply, parts, raw, person.name, (form, dry_run))
    return answer(request, {"dry_run": dry_run, "counts": counts})


def _apply(parts: Parts, raw: bytes, who: str, asked: tuple[str, bool]) -> dict[str, int]:
    form, dry_run = asked
    with TemporaryDirectory() as folder:
        path = FilePath(folder) / f"registre.{form}"
        path.write_bytes(raw)
        try:
            checked = check_file(parts.database, path)
            with parts.database.write() as connection:
                counts = take_in(connection, checked, who=who, now_us=parts.clock.now_us())
                if dry_run:
                    connection.rollback()
        except FileRefused as error:
            detail = f"{path.name}: {error.count} problems, nothing was changed"
            raise Problem(422, "Import refused", detail, errors=error.lines()) from error
        except RegistryChanged as error:
            raise Problem(409, "Registry changed", str(error)) from error
        except (MistakeError, SheetError) as error:
            raise Problem(422, "Import refused", str(error)) from error
    return counts
