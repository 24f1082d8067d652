"""Ask the fleet for a certificate until there is one; the only file of enrolment that touches the network."""

import asyncio
import http.client
import random
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from agent.clock import Clock
from agent.durable import write_durably
from agent.enrol.identity import BadCertificate, Identity
from agent.enrol.step import Enrolment, Outcome, outcome_of, wait_s
from agent.wire.enrolment import EnrolmentAnswer, EnrolmentRequest, proof_of, token_key
from agent.wire.order import WorkOrder

ANSWER_LIMIT_BYTES = 64 * 1024
ANSWER_WAIT_S = 20.0
REASON_LIMIT = 300


def load_enrolment(state: Path) -> Enrolment:
    """Return what became of the last try; empty before the first."""
    try:
        return msgspec.json.decode((state / "enrolment.json").read_bytes(), type=Enrolment)
    except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
        return Enrolment()


async def enrol(
    order: WorkOrder,
    identity: Identity,
    *,
    state: Path,
    clock: Clock,
    tell: Callable[[Enrolment], None],
) -> None:
    """Return when the gateway has its certificate; tries without end.

    ``tell`` hears of every change of outcome, and the last one is on disk for ``agent status``.
    """
    before = load_enrolment(state)
    tries_alike = 0
    while True:
        outcome, reason = await asyncio.to_thread(_try_once, order, identity)
        tries_alike = tries_alike + 1 if outcome is before.outcome else 1
        now = Enrolment(outcome=outcome, reason=reason, tries=before.tries + 1, last_at_us=clock.utc_us())
        if outcome is not before.outcome or reason != before.reason:
            write_durably(state / "enrolment.json", msgspec.json.encode(now))
            tell(now)
        before = now
        if outcome is Outcome.ENROLLED:
            return
        await asyncio.sleep(wait_s(outcome, tries=tries_alike, jitter=random.random()))  # noqa: S311


def _try_once(order: WorkOrder, identity: Identity) -> tuple[Outcome, str]:
    csr = identity.csr_pem()
    request = EnrolmentRequest(
        eui=order.eui, csr_pem=csr, proof=proof_of(token_key(order.token), order.eui, csr)
    )
    try:
        status, body = _post(order, msgspec.json.encode(request))
    except (OSError, http.client.HTTPException, ValueError) as error:
        return Outcome.UNREACHABLE, f"{order.enrol_url}: {error}"[:REASON_LIMIT]
    word, detail = _why(body)
    outcome = outcome_of(status, word)
    if outcome is not Outcome.ENROLLED:
        return outcome, f"HTTP {status}: {detail}"[:REASON_LIMIT]
    try:
        answer = msgspec.json.decode(body, type=EnrolmentAnswer)
        identity.accept(answer.certificate_pem, order.fleet_ca_pem)
    except (msgspec.DecodeError, msgspec.ValidationError, BadCertificate) as error:
        return Outcome.BAD_CERTIFICATE, str(error)[:REASON_LIMIT]
    return outcome, ""


def _post(order: WorkOrder, body: bytes) -> tuple[int, bytes]:
    url = urlsplit(order.enrol_url)
    if url.hostname is None or url.scheme not in ("http", "https"):
        raise ValueError("enrol_url: neither http:// nor https://")
    connection: http.client.HTTPConnection
    if url.scheme == "https":
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=order.fleet_ca_pem)
        connection = http.client.HTTPSConnection(
            url.hostname, url.port, timeout=ANSWER_WAIT_S, context=context
        )
    else:
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWER_WAIT_S)
    try:
        path = url.path.rstrip("/") + "/api/v1/enrolments"
        connection.request("POST", path, body=body, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read(ANSWER_LIMIT_BYTES)
    finally:
        connection.close()


def _why(body: bytes) -> tuple[str, str]:
    """Return the word and the sentence in a refusal, as far as it has them."""
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "", ""
    inner = content.get("detail", content) if isinstance(content, dict) else content
    holder = inner if isinstance(inner, dict) else content if isinstance(content, dict) else {}
    sentence = inner if isinstance(inner, str) else holder.get("detail", "")
    return str(holder.get("reason", "")), str(sentence) or msgspec.json.encode(inner).decode()
