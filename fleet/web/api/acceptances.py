"""``POST /api/v1/acceptances``: what an installer signed on site, signed by the gateway's key; no login."""

from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from agent.wire.acceptance import AcceptanceUpload
from agent.wire.misfit import misfit
from fleet.orders.acceptances import AcceptanceRefused, take
from fleet.web.api.enrolments import count_try
from fleet.web.api.examples import problem, shown
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Shared

STATUS = {"unknown": 409, "order": 409, "signature": 403, "foreign": 403}
log = structlog.get_logger("fleet.acceptance")
router = APIRouter(
    prefix="/api/v1",
    tags=["acceptance"],
    responses={
        201: shown("The fleet has it; the same record again is answered alike.", {"acceptance": 3}),
        403: problem(
            "Not signed by a key of this gateway.",
            title="Refused",
            status=403,
            detail="no key of this gateway that is in force signed this record",
            reason="signature",
        ),
        409: problem(
            "The gateway has no certificate yet, or the order is not its own.",
            title="Refused",
            status=409,
            detail="this gateway has no certificate yet; it is tried again by itself",
            reason="unknown",
        ),
        429: problem(
            "Too often.", title="Too often", status=429, detail="try again in 12 s", retry_after_s=12
        ),
    },
)
_BODY = {
    "type": "object",
    "required": ["eui", "record", "signature_hex"],
    "additionalProperties": False,
    "properties": {
        "eui": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "record": {"type": "string", "contentEncoding": "base64"},
        "signature_hex": {"type": "string"},
        "photos": {"type": "array", "items": {"type": "string", "contentEncoding": "base64"}},
        "drawing": {"type": "string", "contentEncoding": "base64"},
    },
}
_DOCUMENTED = {"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}}


async def _body(request: Request) -> bytes:
    """Return the body, which ``fleet.web.bodies`` bounds."""
    return await request.body()


@router.post("/acceptances", status_code=201, openapi_extra=_DOCUMENTED)
def create_acceptance(request: Request, parts: Shared, raw: Annotated[bytes, Depends(_body)]) -> Response:
    """Take in a record that a gateway signed; it counts from then on."""
    count_try(request, parts)
    try:
        upload = msgspec.json.decode(raw, type=AcceptanceUpload)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        why = misfit(AcceptanceUpload, raw, error)
        raise Problem(
            422, "Request not valid", str(why), field=str(why.values.get("path", "body"))
        ) from error
    outcome = take(parts.database, upload, parts.clock.now_us())
    if isinstance(outcome, AcceptanceRefused):
        log.warning("acceptance_refused", eui=upload.eui, reason=outcome.reason)
        status = STATUS.get(outcome.reason, 422)
        raise Problem(status, "Refused", outcome.detail, reason=outcome.reason)
    log.info("acceptance_taken", eui=upload.eui, acceptance=outcome.id, first=outcome.first)
    return JSONResponse({"acceptance": outcome.id}, status_code=201)
