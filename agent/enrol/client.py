"""From the first boot to a session with the fleet, and a fresh certificate ever after."""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.durable import write_if_possible
from agent.enrol.http import BadUrl, post, refusal_in
from agent.enrol.settings import wipe_token
from agent.enrol.step import Enrolment, Outcome, outcome_of, renewal_due_us, wait_s
from agent.failures import reason_of
from agent.identity import BadCertificate, Identity
from agent.journal_port import JournalPort
from agent.libraries import structlog
from agent.link.mqtt import Link
from agent.wire import reasons
from agent.wire.enrolment import EnrolmentAnswer, EnrolmentRequest, proof_of, token_key
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason

RENEWAL_CHECK_S = 300.0
"""Also how long a gateway may be out whose answer to a new key was lost."""
_log = structlog.get_logger("agent")


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
    changed: Callable[[Enrolment], None],
) -> None:
    """Return when the gateway has its certificate; tries without end.

    ``tell`` hears of every change of outcome, and the last one is on disk for ``agent status``.
    """
    before = load_enrolment(state)
    tries_alike = 0
    while True:
        outcome, why = await asyncio.to_thread(_try_once, order, identity)
        tries_alike = tries_alike + 1 if outcome is before.outcome else 1
        now = Enrolment(outcome=outcome, why=why, tries=before.tries + 1, last_at_us=clock.utc_us())
        if outcome is not before.outcome or why != before.why:
            write_if_possible(state / "enrolment.json", msgspec.json.encode(now))
            changed(now)
        before = now
        if outcome is Outcome.ENROLLED:
            return
        await asyncio.sleep(wait_s(outcome, tries=tries_alike, jitter=random.random()))  # noqa: S311


def _try_once(order: WorkOrder, identity: Identity) -> tuple[Outcome, Reason | None]:
    csr = identity.csr_pem()
    request = EnrolmentRequest(
        eui=order.eui, csr_pem=csr, proof=proof_of(token_key(order.token), order.eui, csr)
    )
    return ask(order, identity, "/api/v1/enrolments", msgspec.json.encode(request))


def ask(order: WorkOrder, identity: Identity, path: str, body: bytes) -> tuple[Outcome, Reason | None]:
    """Return what became of one request for a certificate; ENROLLED: it is stored."""
    try:
        status, answer = post(order.enrol_url, path, body, ca_pem=order.fleet_ca_pem)
    except (OSError, BadUrl) as error:
        return Outcome.UNREACHABLE, reasons.enrolment.unreachable(url=order.enrol_url, cause=reason_of(error))
    code, detail = refusal_in(answer)
    outcome = outcome_of(status, code)
    if outcome is not Outcome.ENROLLED:
        return outcome, reasons.enrolment.refused(http_status=status, detail=detail)
    try:
        made = msgspec.json.decode(answer, type=EnrolmentAnswer)
        identity.accept(made.certificate_pem, identity.believed(order.fleet_ca_pem, made.ca_pem))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return Outcome.BAD_CERTIFICATE, reasons.enrolment.malformed_answer(detail=str(error))
    except BadCertificate as error:
        return Outcome.BAD_CERTIFICATE, error.why
    except OSError as error:
        return Outcome.DISK, reasons.enrolment.not_kept(cause=reason_of(error))
    return outcome, None


async def renew_once(order: WorkOrder, identity: Identity, *, new_key: bool) -> tuple[Outcome, Reason | None]:
    """Return what became of one request for the next certificate."""
    request = await asyncio.to_thread(partial(identity.renewal, new_key=new_key))
    body = msgspec.json.encode(request)
    return await asyncio.to_thread(ask, order, identity, "/api/v1/renewals", body)


async def keep_renewed(
    order: WorkOrder, identity: Identity, *, clock: Clock, renewed: Callable[[Outcome, Reason | None], None]
) -> None:
    """Renew the certificate at a third of its life, and in grace after its end, until cancelled."""
    tries = 0
    while True:
        validity = identity.validity_us()
        due = validity is not None and (identity.key_waits or clock.utc_us() >= renewal_due_us(*validity))
        if not due:
            tries = 0
            await asyncio.sleep(RENEWAL_CHECK_S)
            continue
        tries += 1
        outcome, why = await renew_once(order, identity, new_key=False)
        renewed(outcome, why)
        if outcome is not Outcome.ENROLLED:
            await asyncio.sleep(wait_s(outcome, tries=tries, jitter=random.random()))  # noqa: S311


class EnrolmentKeeper:
    """Enrols when it must, then keeps the link up and the certificate fresh."""

    def __init__(
        self,
        order: WorkOrder,
        identity: Identity,
        link: Link,
        *,
        state: Path,
        image: Path | None,
        clock: Clock,
        needs_certificate: bool,
        journal: JournalPort,
    ) -> None:
        self.order, self.enrolment = order, load_enrolment(state)
        self._identity, self._link = identity, link
        self._state, self._image, self._clock = state, image, clock
        self._needs_certificate, self._journal = needs_certificate, journal

    async def run(self) -> None:
        """Enrol and serve the link until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            ready = self._identity.enrolled and not self.order.token
            if ready or not self._needs_certificate:
                tasks.create_task(self._link.run())
            if not ready:
                await enrol(
                    self.order, self._identity, state=self._state, clock=self._clock, changed=self._changed
                )
                self.order = wipe_token(self._state, self._image, self.order)
                if self._needs_certificate:
                    tasks.create_task(self._link.run())
            tasks.create_task(
                keep_renewed(self.order, self._identity, clock=self._clock, renewed=self._renewed)
            )

    def _changed(self, enrolment: Enrolment) -> None:
        self.enrolment = enrolment
        _log.info("enrolment", outcome=str(enrolment.outcome), reason=str(enrolment.why or ""))

    def _renewed(self, outcome: Outcome, why: Reason | None) -> None:
        _log.info("renewal", outcome=str(outcome), reason=str(why or ""))
        self._journal.note("renewal", {"outcome": str(outcome)}, {} if why is None else {"reason": why})
        if outcome is Outcome.ENROLLED:
            self._link.reconnect()
