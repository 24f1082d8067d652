"""``POST /api/v1/mail/{token}``: a mail service hands over a mail that reports a fault."""

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request

from fleet.intake import mail_in
from fleet.intake.report_mail import MAIL_LIMIT_BYTES, MailRefused
from fleet.web.process_parts import Shared


def _guard(parts: Shared, token: str) -> None:
    secret = parts.links_secret
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
def post(parts: Shared, raw: Annotated[bytes, Depends(_limited_body)]) -> dict[str, bool]:
    """Keep a mail as it was received (message/rfc822)."""
    try:
        with parts.database.write() as connection:
            return {"new": mail_in.keep(connection, raw, parts.clock.now_us())}
    except MailRefused as error:
        raise HTTPException(422, str(error)) from error
