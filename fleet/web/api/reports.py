"""``GET /api/v1/reports/…``: the reports as files."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from fleet.child.jobs import FileJob, WriteContest, WriteOpenData, WriteReport
from fleet.registry.store import load_communes
from fleet.reports.model import Report
from fleet.reports.opendata import schema_json
from fleet.reports.signature import SignatureError
from fleet.reports.store import (
    WRITERS,
    Form,
    deployment_report,
    file_of,
    opendata,
)
from fleet.web.access import open_data, viewer
from fleet.web.api.examples import NOT_MODIFIED, REFUSALS, problem
from fleet.web.api.paging import MONTH_PATTERN, file_answer
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Parts, Shared

_UNSIGNED = problem(
    "The key that the settings name cannot be used.",
    title="Not signed",
    status=500,
    detail="signature.key: … is not there",
)
_OURS: dict[str, Any] = {
    "prefix": "/api/v1/reports",
    "tags": ["reports"],
    "responses": REFUSALS | NOT_MODIFIED,
}
contractual = APIRouter(dependencies=[Depends(viewer)], **_OURS)
opened = APIRouter(dependencies=[Depends(open_data)], **_OURS)
"""A token of the scope ``opendata`` reads these and nothing else."""
MonthInPath = Annotated[str, Path(pattern=MONTH_PATTERN, examples=["2026-10"])]
FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}, "example": ending}
            for _, media_type, ending in WRITERS.values()
        },
    },
    500: _UNSIGNED,
}


@contractual.get("/monthly/{month}.{form}", response_class=Response, responses=FILES)
def monthly(
    request: Request,
    parts: Shared,
    month: MonthInPath,
    form: Form,
    epci: Annotated[str, Query(max_length=200, examples=["CC Touraine-Est Vallées"])] = "",
) -> Response:
    """Return the availability report of a month as PDF, XLSX, CSV, JSON or SQLite."""
    whole, settings = _parts_for(parts, epci), parts.settings
    job = WriteReport(
        month=month,
        now_us=parts.clock.now_us(),
        form=form,
        terms=settings.report,
        epci=epci,
        address=settings.public_url,
        signature=settings.signature,
    )
    made = _made(whole, job)
    _, media_type, ending = WRITERS[form]
    name = f"disponibilite-{month}{'-' + _plain(epci) if epci else ''}"
    return file_answer(request, made, media_type, name=f"{name}.{ending}")


ZIP: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bundle.", "content": {"application/zip": {"example": "contester-2026-10.zip"}}}
}
EpciQuery = Annotated[str, Query(max_length=200, examples=["CC Touraine-Est Vallées"])]


@contractual.get("/contest/{month}.zip", response_class=Response, responses=ZIP)
def contest(
    request: Request,
    parts: Shared,
    month: MonthInPath,
    epci: EpciQuery = "",
) -> Response:
    """Return facts, settings, figures and a reader for one territory, to check its month without us."""
    whole, settings = _parts_for(parts, epci), parts.settings
    job = WriteContest(month=month, now_us=parts.clock.now_us(), terms=settings.report, epci=epci)
    made = _made(whole, job)
    name = f"contester-{month}{'-' + _plain(epci) if epci else ''}.zip"
    return file_answer(request, made, "application/zip", name=name)


@contractual.get("/deployment.{form}", response_class=Response, responses=FILES)
def deployment(request: Request, parts: Shared, form: Form) -> Response:
    """Return the deployment against the plan as PDF, XLSX, CSV or SQLite."""
    with parts.database.read() as connection:
        report = deployment_report(connection)
    return _file(request, parts, report, form, "deploiement")


@opened.get(
    "/opendata/schema.json",
    responses={
        200: {"content": {"application/json": {"example": {"name": "disponibilite-lorawan-communes"}}}}
    },
)
def opendata_schema(request: Request) -> Response:
    """Return the Table Schema of the open data."""
    return file_answer(request, schema_json(), "application/json")


@opened.get(
    "/opendata/{month}.csv",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"example": "code_insee,nom_commune,mois,…"}}}},
)
def opendata_month(request: Request, parts: Shared, month: MonthInPath) -> Response:
    """Return the availability of the communes in a month as open data: no site, no place."""
    now_us = parts.clock.now_us()
    if parts.reach is None:
        made = _made(parts, WriteOpenData(month=month, now_us=now_us))
    else:  # a child sees everything; this database gives a territory's rows, which are few
        with parts.database.read() as connection:
            made = opendata(connection, month, parts.settings.contract, now_us)
    return file_answer(request, made, "text/csv; charset=utf-8", name=f"disponibilite-communes-{month}.csv")


router = APIRouter()
router.include_router(contractual)
router.include_router(opened)


def _made(parts: Parts, job: FileJob) -> bytes:
    """Return the file that a child writes."""
    try:
        return parts.child.report(job)
    except SignatureError as error:
        raise Problem(500, "Not signed", str(error)) from error
    except ValueError as error:
        raise Problem(404, "No such EPCI", str(error), field="epci") from error


def _parts_for(parts: Parts, epci: str) -> Parts:
    """Return what the report of an EPCI is made from: the whole, for who may see all of that EPCI."""
    if parts.whole is None or parts.reach is None:
        return parts
    with parts.whole.database.read() as connection:
        inside = {one.insee for one in load_communes(connection) if not epci or one.epci == epci}
    if not inside <= parts.reach.insees:
        raise Problem(403, "Not your territory", "Ask for the EPCI that is yours.", field="epci")
    return parts.whole


def _file(request: Request, parts: Parts, report: Report, form: Form, name: str) -> Response:
    _, media_type, ending = WRITERS[form]
    try:
        made = file_of(report, form, parts.settings.signature)
    except SignatureError as error:
        raise Problem(500, "Not signed", str(error)) from error
    return file_answer(request, made, media_type, name=f"{name}.{ending}")


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
