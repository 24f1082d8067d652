"""``POST /api/v1/mail/{token}``: a mail service hands over a mail that reports a fault."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request

from fleet.intake import mail_in
from fleet.intake.report_mail import MAIL_LIMIT_BYTES, MailRefused
from fleet.tickets import links
from fleet.tickets.links import SECRET_NAME


def _guard(request: Request, token: str) -> None:
    secret = links.read_secret(request.app.state.settings.keys / SECRET_NAME)
    if not hmac.compare_digest(token.encode(), mail_in.hook_token(secret).encode()):
        raise HTTPException(404)


async def _limited_body(request: Request) -> bytes:
    raw = b""
    async for part in request.stream():
        raw += part
        if len(raw) > MAIL_LIMIT_BYTES:
            raise HTTPException(413, f"mail: at most {MAIL_LIMIT_BYTES} bytes")
    return raw


router = APIRouter(prefix="/api/v1/mail/{token}", dependencies=[Depends(_guard)], include_in_schema=False)


@router.post("", status_code=202)
def post(request: Request, raw: Annotated[bytes, Depends(_limited_body)]) -> dict[str, bool]:
    """Keep a mail as it was received (message/rfc822)."""
    try:
        with request.app.state.database.write() as connection:
            return {"new": mail_in.keep(connection, raw, request.app.state.clock.now_us())}
    except MailRefused as error:
        raise HTTPException(422, str(error)) from error
