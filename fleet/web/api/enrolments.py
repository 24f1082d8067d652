"""``POST /api/v1/enrolments`` and ``/renewals``: a CSR and a proof in, a certificate out."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from agent.wire.enrolment import EnrolmentAnswer, EnrolmentRequest
from agent.wire.eui import parse_eui
from agent.wire.misfit import misfit
from agent.wire.renewal import RenewalRequest
from agent.wire.resolved import resolved
from fleet.configurations.store import publish_again
from fleet.db.connect import Database
from fleet.identity.authority import Authority, RequestRefused
from fleet.identity.enrolment import EnrolmentRefused
from fleet.identity.enrolments import Enrolled, enrol, renew
from fleet.identity.revocation import apply_rights
from fleet.registry.store import site_of
from fleet.web.api.examples import CERTIFICATE, CERTIFICATE_REFUSALS
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Parts, Shared

router = APIRouter(prefix="/api/v1", tags=["enrolment"], responses=CERTIFICATE_REFUSALS | {201: CERTIFICATE})
BODY_LIMIT_BYTES = 16 * 1024
STATUS = {"used": 409, "expired": 403, "revoked": 403, "foreign": 403}
Asked = TypeVar("Asked", EnrolmentRequest, RenewalRequest)
log = structlog.get_logger("fleet.enrolment")


def _documented(*fields: str) -> dict[str, Any]:
    """Return the OpenAPI description of a body that is read by hand, with its limit."""
    schema = {
        "type": "object",
        "required": list(fields),
        "additionalProperties": False,
        "properties": {
            name: {"type": "string"} | ({"pattern": "^[0-9a-f]{16}$"} if name == "eui" else {})
            for name in fields
        },
    }
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


async def _limited_body(request: Request) -> bytes:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > BODY_LIMIT_BYTES:
            raise Problem(413, "Too large", f"body: at most {BODY_LIMIT_BYTES} bytes", field="body")
    return raw


@router.post("/enrolments", status_code=201, openapi_extra=_documented("eui", "csr_pem", "proof"))
def create_enrolment(
    request: Request, parts: Shared, raw: Annotated[bytes, Depends(_limited_body)]
) -> Response:
    """Give a certificate for the key of a CSR whose sender holds the work order's token."""
    return _certify(request, parts, _decoded(raw, EnrolmentRequest), _enrol)


def _enrol(
    database: Database, authority: Authority, asked: EnrolmentRequest, now_us: int
) -> Enrolled | EnrolmentRefused:
    return enrol(database, authority, asked, now_us, with_it=publish_again, site_of=site_of)


@router.post(
    "/renewals",
    status_code=201,
    openapi_extra=_documented("eui", "certificate_pem", "csr_pem", "signature_hex"),
)
def create_renewal(
    request: Request, parts: Shared, raw: Annotated[bytes, Depends(_limited_body)]
) -> Response:
    """Give the next certificate to who signs with the key of the present one, expired or not."""
    return _certify(request, parts, _decoded(raw, RenewalRequest), renew)


resolved(EnrolmentRequest, RenewalRequest)


def _decoded(raw: bytes, kind: type[Asked]) -> Asked:
    try:
        asked = msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        why = misfit(kind, raw, error)
        field = str(why.values.get("path", "body"))
        raise Problem(422, "Request not valid", str(why), field=field) from error
    try:
        plain = parse_eui(asked.eui) == asked.eui
    except ValueError:
        plain = False
    if not plain:
        text = "eui: write 16 lower-case hexadecimal digits"
        raise Problem(422, "Request not valid", text, field="eui")
    return asked


def count_try(request: Request, parts: Parts) -> None:
    """Count one try of an address without a login; one too many is refused with its wait."""
    asked_us = parts.clock.monotonic_us()
    limit, address = parts.limits.enrolment, request.client.host if request.client else ""
    if wait_us := limit.wait_us(address, asked_us):
        seconds = -(-wait_us // 1_000_000)
        raise Problem(429, "Too often", f"try again in {seconds} s", retry_after_s=seconds)
    limit.tried(address, asked_us)


def _certify(
    request: Request,
    parts: Parts,
    asked: Asked,
    decide: Callable[[Database, Authority, Asked, int], Enrolled | EnrolmentRefused],
) -> Response:
    now_us = parts.clock.now_us()
    count_try(request, parts)
    try:
        outcome = decide(parts.database, parts.keys.authority, asked, now_us)
    except RequestRefused as error:
        raise Problem(422, "Request not acceptable", str(error), field=error.field) from error
    if isinstance(outcome, EnrolmentRefused):
        log.warning("certificate_refused", eui=asked.eui, reason=outcome.reason)
        detail = f"{outcome.field}: {outcome.detail}"
        raise Problem(STATUS[outcome.reason], "Refused", detail, field=outcome.field, reason=outcome.reason)
    if outcome.changes_rights:
        apply_rights(parts.database, parts.keeper.door, now_us)
    log.info("certificate_issued", eui=asked.eui, serial=outcome.issued.serial)
    made = EnrolmentAnswer(certificate_pem=outcome.issued.pem, ca_pem=parts.keys.authority.pem)
    return Response(msgspec.json.encode(made), status_code=201, media_type="application/json")
