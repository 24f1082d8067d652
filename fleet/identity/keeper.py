"""The thread that keeps credentials in force and revoked ones out, from `fleet serve`'s start to its end.

A look comes every ``LOOK_EVERY_S``.  What fails is kept in words for `/healthz`, logged when it changes, and
tried again at the next look: a revocation whose command was killed, or whose broker was away, gets there.
"""

import threading

import structlog

from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.identity.revocation import BrokerDoor, RevocationUnconfirmed, enforce, load_rights, renew_rights

LOOK_EVERY_S = 2.0
"""With ``CONFIRM_LIMIT_S`` an open session of a revoked gateway ends within 10 s."""
RETRY_EVERY_S = 20.0
"""After a look that failed: each waits for the broker up to its limit."""

log = structlog.get_logger("fleet.identity")


class Keeper:
    """Looks after the credentials; ``trouble`` is what failed at the last look, empty when nothing did."""

    def __init__(self, database: Database, door: BrokerDoor, clock: Clock) -> None:
        self._database, self.door, self._clock = database, door, clock
        self._stopping = threading.Event()
        self._looked_at_rights = False
        self.trouble = ""
        self.failures = 0

    def stop(self) -> None:
        """Let ``run`` return after its present look."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped."""
        while not self._stopping.wait(RETRY_EVERY_S if self.trouble else LOOK_EVERY_S):
            try:
                self.round()
            except Exception as error:
                self._failed(f"{type(error).__name__}: {error}")
                log.exception("credentials_not_kept")

    def round(self) -> None:
        """Enforce what is revoked, after a first look at the rights."""
        try:
            if not self._looked_at_rights:
                self._renew_rights()
            if self.door.broker.tls and load_rights(self._database, self._clock.now_us()).unconfirmed:
                enforce(self._database, self.door, self._clock)
        except RevocationUnconfirmed as error:
            self._failed(f"revocation: {error}")
            return
        self.trouble = ""

    def _renew_rights(self) -> None:
        """Let gateways read and write what this version needs, after an upgrade."""
        if renew_rights(self._database, self.door, self._clock.now_us()):
            log.warning("broker_rights_renewed", acl=str(self.door.files.acl))
        self._looked_at_rights = True

    def _failed(self, trouble: str) -> None:
        self.failures += 1
        if trouble != self.trouble:
            log.error("credentials_trouble", reason=trouble)
        self.trouble = trouble
