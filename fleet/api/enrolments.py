"""``POST /api/v1/enrolments``: a CSR and a proof in, a certificate out (``agent.wire.enrolment``)."""

from typing import Annotated

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from agent.wire.enrolment import EnrolmentAnswer, EnrolmentRequest
from agent.wire.eui import parse_eui
from fleet.api.problems import Problem
from fleet.identity.authority import RequestRefused
from fleet.identity.enrolment import Refused
from fleet.identity.enrolments import enrol
from fleet.identity.revocation import write_revocations

router = APIRouter(prefix="/api/v1", tags=["enrolment"])
BODY_LIMIT_BYTES = 16 * 1024
STATUS = {"used": 409, "expired": 403, "revoked": 403, "foreign": 403}
_DOCUMENTED = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["eui", "csr_pem", "proof"],
                    "additionalProperties": False,
                    "properties": {
                        "eui": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
                        "csr_pem": {"type": "string"},
                        "proof": {"type": "string"},
                    },
                }
            }
        },
    }
}
log = structlog.get_logger("fleet.enrolment")


async def _limited_body(request: Request) -> bytes:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_LIMIT_BYTES:
            raise Problem(413, "Too large", f"body: at most {BODY_LIMIT_BYTES} bytes", field="body")
    return raw


@router.post("/enrolments", status_code=201, openapi_extra=_DOCUMENTED)
def create_enrolment(request: Request, raw: Annotated[bytes, Depends(_limited_body)]) -> Response:
    """Give a certificate for the key of a CSR whose sender holds the work order's token."""
    try:
        asked = msgspec.json.decode(raw, type=EnrolmentRequest)
        if parse_eui(asked.eui) != asked.eui:
            raise ValueError("eui: write 16 lower-case hexadecimal digits")
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, ValueError) as error:
        raise Problem(422, "Request not valid", str(error), field=_field(str(error))) from error
    state = request.app.state
    now_us = state.clock.now_us()
    try:
        with state.database.write() as connection:
            outcome = enrol(connection, state.keys.authority, asked, now_us)
            if not isinstance(outcome, Refused) and outcome.revoked:
                write_revocations(connection, state.settings.data, state.keys.authority, now_us)
    except RequestRefused as error:
        raise Problem(422, "CSR not acceptable", str(error), field=error.field) from error
    if isinstance(outcome, Refused):
        log.warning("enrolment_refused", eui=asked.eui, reason=outcome.reason)
        title = "Enrolment refused"
        detail = f"{outcome.field}: {outcome.detail}"
        raise Problem(STATUS[outcome.reason], title, detail, field=outcome.field, reason=outcome.reason)
    log.info("enrolled", eui=asked.eui, serial=outcome.issued.serial)
    made = EnrolmentAnswer(certificate_pem=outcome.issued.pem, ca_pem=state.keys.authority.pem)
    return Response(msgspec.json.encode(made), status_code=201, media_type="application/json")


def _field(error: str) -> str:
    _, at, path = error.partition("$.")
    return path.rstrip("`") if at else error.partition(":")[0] if error.startswith("eui") else "body"
