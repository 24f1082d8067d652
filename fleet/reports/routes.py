"""``GET /api/v1/reports/…``: the reports as files."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import Response

from fleet.identity.access import viewer
from fleet.reports.model import Report
from fleet.reports.opendata import schema_json
from fleet.reports.store import WRITERS, Form, deployment_report, monthly_report, opendata

router = APIRouter(prefix="/api/v1/reports", dependencies=[Depends(viewer)], tags=["reports"])


@router.get("/monthly/{month}.{form}")
def monthly(
    request: Request, month: str, form: Form, epci: Annotated[str, Query(max_length=200)] = ""
) -> Response:
    """Return the availability report of a month as PDF, XLSX or CSV."""
    state = request.app.state
    with state.database.read() as connection:
        try:
            report = monthly_report(
                connection, month, state.settings.contract, state.clock.now_us(), epci=epci
            )
        except ValueError as error:
            raise HTTPException(status_code=404, detail=str(error)) from error
    return _file(report, form, f"disponibilite-{month}{'-' + _plain(epci) if epci else ''}")


@router.get("/deployment.{form}")
def deployment(request: Request, form: Form) -> Response:
    """Return the deployment against the plan as PDF, XLSX or CSV."""
    with request.app.state.database.read() as connection:
        report = deployment_report(connection)
    return _file(report, form, "deploiement")


@router.get("/opendata/schema.json")
def opendata_schema() -> Response:
    """Return the Table Schema of the open data."""
    return Response(schema_json(), media_type="application/json")


@router.get("/opendata/{month}.csv")
def opendata_month(request: Request, month: str) -> Response:
    """Return the availability of the communes in a month as open data: no site, no place."""
    state = request.app.state
    with state.database.read() as connection:
        try:
            made = opendata(connection, month, state.settings.contract, state.clock.now_us())
        except ValueError as error:
            raise HTTPException(status_code=404, detail=str(error)) from error
    headers = {"Content-Disposition": f'attachment; filename="disponibilite-communes-{month}.csv"'}
    return Response(made, media_type="text/csv; charset=utf-8", headers=headers)


def _file(report: Report, form: Form, name: str) -> Response:
    writer, media_type, ending = WRITERS[form]
    headers = {"Content-Disposition": f'attachment; filename="{name}.{ending}"'}
    return Response(writer(report), media_type=media_type, headers=headers)


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
