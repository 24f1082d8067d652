"""The releases of a running agent: what it is, what it brings, and when it gives way to another.

The configuration decides: ``release.wanted`` is brought into the free slot beside the service and then runs,
on trial first with the configuration that wants it; ``release.fetch`` is brought and waits.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.configuration.control import AskedRelease
from agent.durable import write_durably
from agent.failures import reason_of
from agent.host.fields import Fields
from agent.host.machine import OWN_PYTHON, RELEASE
from agent.journal_port import JournalPort
from agent.libraries import structlog
from agent.releases.model import (
    BASE,
    FETCH_WAIT_S,
    Command,
    Confirmed,
    Emptied,
    Event,
    Job,
    Kept,
    Lived,
    Refuse,
    Restart,
    Slot,
    Wanted,
)
from agent.releases.store import ReleaseStore, Write
from agent.supervisor.leaving import Leave
from agent.wire import reasons
from agent.wire.configuration import ReleaseConfig
from agent.wire.order import WorkOrder
from agent.wire.reasons import Reason, ReasonedError, read

LOOK_EVERY_S = 1.0
RETRY_FIRST_S, RETRY_LIMIT_S = 30.0, 1_800.0
"""After a try that failed, twice as long each time; what arrived is kept."""
LIVED_S = 600.0
"""A run as long as this is no crash loop."""
BASE_NAME = "base"
"""What people call the release that the card or the package installed."""
LEAST_SHARE = 19
"""The niceness of the process that brings a release: whatever serves comes first."""
_log = structlog.get_logger("agent")


class ReleaseRefused(ReasonedError, ValueError):
    """A release that cannot run here; the configuration that wants it is taken back."""


class ReleaseControl:
    """What one gateway does about releases."""

    def __init__(
        self,
        *,
        state: Path,
        order: WorkOrder,
        clock: Clock,
        journal: JournalPort,
        leave: Callable[[Leave], None],
        write: Write = write_durably,
        prefix: Path = Path(sys.prefix),
    ) -> None:
        self.running = os.environ.get(RELEASE, BASE)
        self._prefix = prefix
        self._state, self._store = state, ReleaseStore(state, write=write)
        self._ledger = self._store.ledger()
        self._order, self._clock, self._journal = order, clock, journal
        self._leave = leave
        self.why: Reason | None = None
        """Why the release that is asked for is not here yet, or does not run."""

    def want(self, name: str, *, on_trial: bool) -> bool:
        """Return whether this process gives way to another release.

        Raises:
            ReleaseRefused: it is not here, or crashed.
            OSError: the card.
        """
        match self._event(Wanted(name=name, running=self.running, on_trial=on_trial)):
            case Refuse(why=why):
                raise ReleaseRefused(why)
            case Restart():
                self._leave(Leave(reasons.ending.other_release(name=name or BASE_NAME)))
                return True
            case _:
                return False

    def settle(self, name: str, *, on_trial: bool) -> None:
        """Begin with what the configuration wants; what is not here stops no service."""
        try:
            self.want(name, on_trial=on_trial)
        except (ReleaseRefused, OSError) as error:
            self.why = reason_of(error)
            self._say(name, "REFUSED")

    def confirmed(self) -> None:
        """Keep what is on trial: the fleet saw it working.

        Raises:
            OSError: the card; the trial ends as one that was not confirmed.
        """
        self._event(Confirmed())

    def here(self) -> frozenset[str]:
        """Return the releases that can be started."""
        return frozenset((BASE, *(each.name for each in self._ledger.filled)))

    async def run(self, asked: Callable[[], AskedRelease], bulk_allowed: Callable[[], bool]) -> None:
        """Bring what the configuration that runs, or one that waits for it, asks for, until cancelled."""
        began_us, lived, retry_s = self._clock.monotonic_us(), False, RETRY_FIRST_S
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            if not lived and self._clock.monotonic_us() - began_us >= LIVED_S * 1_000_000:
                lived = self._has_lived()
            now = asked()
            name = self.lacking(now.release, anew=now.is_waiting)
            if not name or not bulk_allowed():
                continue
            if await self.bring(now, name):
                retry_s = RETRY_FIRST_S
                if not now.is_waiting:
                    self._say_at_next_start(now.release.wanted, name)
            else:
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, RETRY_LIMIT_S)

    def lacking(self, asked: ReleaseConfig, *, anew: bool = False) -> str:
        """Return which release is to be brought; empty: none.  ``anew``: also one that was given up."""
        given_up = None if anew else self._ledger.given_up
        names = (asked.wanted, asked.fetch)
        return next((name for name in names if name != given_up and not self._ledger.has(name)), BASE)

    async def bring(self, asked: AskedRelease, name: str) -> bool:
        """Return whether the release is in a slot now; else ``why`` says what hindered it."""
        slot = self._ledger.free_slot
        before = self.why
        try:
            refused = self._event(Emptied(slot=slot)) if not self._runs_from(slot) else _needed(slot)
            job = self._job(asked, name)
            self.why = refused.why if isinstance(refused, Refuse) else await _brought(job, self._state)
            if self.why is None:
                self._event(Kept(name=name, slot=slot))
        except OSError as error:
            self.why = reason_of(error)
        if self.why is None or self.why != before:
            self._say(name, "READY" if self.why is None else "WAITING")
        return self.why is None

    def _runs_from(self, slot: Slot) -> bool:
        """Return whether this process runs from a slot, though a damaged ledger may know nothing of it."""
        return self._prefix.is_relative_to(self._store.slot(slot))

    def fields(self) -> Fields:
        """Return what the fleet is told: what runs, what is on trial, and what is ready."""
        ledger = self._ledger
        ready = ", ".join(sorted(each.name for each in ledger.filled))
        slot = ledger.slot_of(self.running)
        trial = {} if ledger.trial is None else {"release_trial": ledger.trial or BASE_NAME}
        named: Fields = {"release": self.running or BASE_NAME, "release_slot": slot or BASE_NAME}
        return named | trial | {"releases_ready": ready}

    def reasons(self) -> dict[str, Reason]:
        """Return why what is asked for is not here yet, or does not run."""
        return {} if self.why is None else {"release_reason": self.why}

    def _say_at_next_start(self, wanted: str, name: str) -> None:
        """Say that what filled a damaged slot again does not interrupt the service."""
        if name == wanted and wanted != self.running:
            self.why = reasons.release.at_next_start(name=name)

    def _has_lived(self) -> bool:
        try:
            self._event(Lived())
        except OSError as error:
            _log.warning("release", name=self.running, reason=str(reason_of(error)))
            return False
        return True

    def _event(self, event: Event) -> Command | None:
        command = self._store.event(event)
        self._ledger = self._store.ledger()
        return command

    def _say(self, name: str, state: str) -> None:
        reason = {} if self.why is None else {"reason": self.why}
        self._journal.note("release", {"name": name or BASE_NAME, "state": state}, reason)
        _log.info("release", name=name or BASE_NAME, state=state, reason=str(self.why or ""))

    def _job(self, asked: AskedRelease, name: str) -> Job:
        return Job(
            url=self._order.enrol_url,
            ca_pem=self._order.fleet_ca_pem,
            anchor_sha256=asked.release.root_sha256,
            name=name,
            slot=self._ledger.free_slot,
            rate_kbit_per_s=asked.release.rate_kbit_per_s,
            month_budget_bytes=asked.release.month_budget_bytes,
            now_us=max(self._clock.utc_us(), asked.signed_at_us),
        )


def _needed(slot: Slot) -> Refuse:
    return Refuse(why=reasons.release.slot_needed(slot=slot))


async def _brought(job: Job, state: Path) -> Reason | None:
    """Return why the process that brings a release did not; None: it did."""
    process = await asyncio.create_subprocess_exec(
        *("nice", "-n", str(LEAST_SHARE)),
        *(*OWN_PYTHON, "-m", "passerelle", "agent", "fetch", "--state", str(state)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(FETCH_WAIT_S):
            said, _ = await process.communicate(msgspec.json.encode(job))
    except TimeoutError:
        return reasons.release.too_slow(limit_s=FETCH_WAIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == 0:
        return None
    exit_code = process.returncode or 0
    return read(said.decode(errors="replace").strip()) or reasons.release.process_failed(exit_code=exit_code)
