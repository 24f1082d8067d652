"""Looks for rows that somebody else than this program wrote, and says so by name; rotates a full key ring."""

import structlog

from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.db.seals import BrokenRow, broken_rows
from fleet.durations import SECOND_US
from fleet.identity import audit
from fleet.identity.seal_keys import SPENT_LIMIT, SealKeys, rotate

LOOK_EVERY_US = 30 * SECOND_US
BROKEN = "seal.broken"

log = structlog.get_logger("fleet.identity")


class SealWatch:
    """What of the sealed rows is broken; ``broken`` is what `/healthz` says."""

    def __init__(
        self, database: Database, ring: SealKeys, clock: Clock, *, spent_limit: int = SPENT_LIMIT
    ) -> None:
        self._database, self._ring, self._clock = database, ring, clock
        self._spent_limit = spent_limit
        self._looked_at_us: int | None = None
        self.broken: tuple[BrokenRow, ...] = ()

    def look(self) -> None:
        """Look at every sealed row, every ``LOOK_EVERY_US``; what is newly broken is written down once."""
        monotonic_us = self._clock.monotonic_us()
        if self._looked_at_us is not None and monotonic_us - self._looked_at_us < LOOK_EVERY_US:
            return
        if self._ring.spent >= self._spent_limit:
            rotate(self._database, self._ring, who=audit.SYSTEM, now_us=self._clock.now_us())
        with self._database.read() as connection:
            found = tuple(broken_rows(connection, watched_alone=True))
        if fresh := [one for one in found if one not in self.broken]:
            with self._database.write() as connection:
                for one in fresh:
                    log.error("seal_broken", table=one.table, row=one.name)
                    audit.record(
                        connection,
                        now_us=self._clock.now_us(),
                        who=audit.SYSTEM,
                        action=BROKEN,
                        subject=str(one)[: audit.SUBJECT_LIMIT_CHARACTERS],
                    )
        self.broken = found
        self._looked_at_us = monotonic_us
