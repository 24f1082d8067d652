"""Children of this process, one at a time: started for one order, they end with its answer."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from fleet.airtime.survey import NetworkAir
from fleet.child.jobs import (
    CloseMonth,
    CompareMonth,
    CountDay,
    FileJob,
    Job,
    JobDone,
    JobRefused,
    Order,
    ReckonMonth,
    SurveyAir,
    TakeCoverages,
)
from fleet.facts.settings import ContractSettings
from fleet.months.closing import NotYetError, Version
from fleet.months.reckoner import OpenMonth
from fleet.objects.counting import Counted
from fleet.objects.coverers import Coverages
from fleet.reports.signature import SignatureError

WAITING_LIMIT: Final = 3
"""Orders, the one at work among them: each holds one of the threads that answer pages."""
TURN_LIMIT_S: Final = 60.0
"""How long an order waits for those before it: what nobody waits for may take long."""
CLOSE_LIMIT_S: Final = 3_600.0
"""What nobody waits for is done at last even where others leave the nice child little of the processor."""
REPORT_LIMIT_S: Final = 300.0
"""Whoever asked for a report or an open month has gone by then."""
ERROR_CHARACTERS: Final = 2_000
COMMAND: Final = (sys.executable, "-m", "fleet.child")
REFUSALS: Final = {one.__name__: one for one in (NotYetError, SignatureError, ValueError)}


class ChildFailed(RuntimeError):
    """A child ended without an answer; says how, and its last words."""


class ChildBusy(RuntimeError):
    """Too many orders wait, or this one waited too long."""


class Child:
    """Orders to children of one database; safe for any thread."""

    def __init__(
        self,
        database_url: str,
        contract: ContractSettings,
        *,
        command: tuple[str, ...] = COMMAND,
        time_limit_s: float | None = None,
        turn_limit_s: float = TURN_LIMIT_S,
    ) -> None:
        self._url, self._contract = database_url, contract
        self._command, self._time_limit_s, self._turn_limit_s = command, time_limit_s, turn_limit_s
        self._waiting = threading.BoundedSemaphore(WAITING_LIMIT)
        self._turn = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self.failures = 0

    def next_version(self, month: str, now_us: int) -> Version | None:
        """Return what closing a month would store (``fleet.months.versions.next_version``).

        Raises:
            NotYetError: it is too early.
            ValueError: not a month.
            ChildFailed, ChildBusy: try again later.
        """
        content = self._ask(CloseMonth(month=month, now_us=now_us))
        return msgspec.msgpack.decode(content, type=Version | None)

    def open_month(self, month: str, now_us: int) -> OpenMonth:
        """Return a month as it is known at ``now_us``.

        Raises:
            ValueError: not a month.
            ChildFailed, ChildBusy: try again later.
        """
        content = self._ask(ReckonMonth(month=month, now_us=now_us))
        return msgspec.msgpack.decode(content, type=OpenMonth)

    def differences(self, month: str, number: int) -> tuple[str, ...]:
        """Return in what today's program would differ from a version.

        Raises:
            ValueError: no such version, or one that cannot be read.
            ChildFailed, ChildBusy: try again later.
        """
        content = self._ask(CompareMonth(month=month, number=number))
        return msgspec.msgpack.decode(content, type=tuple[str, ...])

    def coverages(self, month: str, now_us: int) -> Coverages:
        """Return who hears the sensors of a month.

        Raises:
            ValueError: not a month, or more addresses than can be counted.
            ChildFailed, ChildBusy: try again later.
        """
        content = self._ask(TakeCoverages(month=month, now_us=now_us))
        return msgspec.msgpack.decode(content, type=Coverages)

    def count_day(self, day: str) -> Counted:
        """Return the counts of a day's objects and addresses.

        Raises:
            ValueError: not a day, or more addresses than can be counted.
            ChildFailed, ChildBusy: try again later.
        """
        return msgspec.msgpack.decode(self._ask(CountDay(day=day)), type=Counted)

    def survey_air(self, now_us: int) -> NetworkAir:
        """Return the air of the 24 hours before ``now_us``.

        Raises:
            ChildFailed, ChildBusy: try again later.
        """
        return msgspec.msgpack.decode(self._ask(SurveyAir(now_us=now_us)), type=NetworkAir)

    def report(self, job: FileJob) -> bytes:
        """Return the file that an order comes to.

        Raises:
            ValueError: not a month, or no commune in that EPCI.
            SignatureError: it cannot be signed.
            ChildFailed, ChildBusy: try again later.
        """
        return self._ask(job)

    def stop(self) -> None:
        """End what is at work; whoever waits for it gets ``ChildFailed``."""
        self._stopped = True
        if (running := self._running) is not None:
            running.kill()

    def _ask(self, job: Job) -> bytes:
        order = Order(database_url=self._url, contract=self._contract, job=job)
        with self._our_turn():
            try:
                limit_s = REPORT_LIMIT_S if isinstance(job, FileJob | ReckonMonth) else CLOSE_LIMIT_S
                found = self._run(msgspec.msgpack.encode(order), self._time_limit_s or limit_s)
            except ChildFailed:
                self.failures += 1
                raise
        if isinstance(found, JobRefused):
            raise REFUSALS.get(found.kind, ValueError)(found.text)
        return found.content

    @contextmanager
    def _our_turn(self) -> Iterator[None]:
        if not self._waiting.acquire(blocking=False):
            raise ChildBusy(f"{WAITING_LIMIT} months or reports are at work or wait; try again in a minute")
        try:
            if not self._turn.acquire(timeout=self._turn_limit_s):
                raise ChildBusy("another month or report takes long; try again in a minute")
            try:
                yield
            finally:
                self._turn.release()
        finally:
            self._waiting.release()

    def _run(self, order: bytes, limit_s: float) -> JobDone | JobRefused:
        if self._stopped:
            raise ChildFailed("this process is stopping")
        with subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            self._running = running
            if self._stopped:  # between our look and its start
                running.kill()
            try:
                answer, words = running.communicate(order, timeout=limit_s)
            except subprocess.TimeoutExpired as error:
                running.kill()
                raise ChildFailed(f"no answer within {limit_s:g} s") from error
            finally:
                self._running = None
        if running.returncode:
            said = words.decode(errors="replace").strip()[-ERROR_CHARACTERS:]
            raise ChildFailed(f"ended with {running.returncode}: {said or 'no word'}")
        try:
            return msgspec.msgpack.decode(answer, type=JobDone | JobRefused)
        except msgspec.MsgspecError as error:
            raise ChildFailed(f"an answer that is none: {error}") from error
