"""From the first boot to a session with the fleet, and a fresh certificate ever after."""

import asyncio
from pathlib import Path

from agent.clock import Clock
from agent.enrol.client import enrol, keep_renewed, load_enrolment
from agent.enrol.settings import wipe_token
from agent.enrol.step import Enrolment, Outcome
from agent.identity import Identity
from agent.journal_port import JournalPort
from agent.link.mqtt import Link
from agent.logs import structlog
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason

_log = structlog.get_logger("agent")


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
