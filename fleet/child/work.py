"""What a child does: it bounds itself, reads one order from stdin, and writes one answer to stdout."""

import contextlib
import os
import resource
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import msgspec

from fleet.child.jobs import CloseMonth, JobDone, JobRefused, Order, WriteReport
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.months.closing import NotYetError
from fleet.months.versions import next_version
from fleet.reports.signature import SignatureError
from fleet.reports.store import file_of, monthly_report

NICENESS = 10
"""Cycles and pages go first."""
MEMORY_LIMIT_BYTES = 1 << 30
"""Twice what a month of 1,615 gateways takes (`passerelle bench year`)."""
OOM_SCORE = 500
"""The kernel ends a child before the process that asked (proc(5), ``oom_score_adj``)."""


def bound() -> None:
    """Make this process the one that gives way: to the engine's cycles and when memory is short."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    with contextlib.suppress(OSError):  # a container may forbid it; the limits above hold all the same
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE), encoding="ascii")


def answer(orders: BinaryIO, answers: BinaryIO) -> None:
    """Carry out one order."""
    order = msgspec.msgpack.decode(orders.read(), type=Order)
    answers.write(msgspec.msgpack.encode(carry_out(order)))
    answers.flush()


def carry_out(order: Order) -> JobDone | JobRefused:
    """Return what an order comes to."""
    try:
        with closing(Database(order.database_url)) as database:
            match order.job:
                case CloseMonth():
                    return JobDone(content=_close(database, order.contract, order.job))
                case WriteReport():
                    return JobDone(content=_write(database, order.contract, order.job))
    except (NotYetError, SignatureError, ValueError) as error:
        return JobRefused(kind=type(error).__name__, text=str(error))


def _close(database: Database, contract: ContractSettings, job: CloseMonth) -> bytes:
    with database.read() as connection:
        version = next_version(connection, job.month, contract, now_us=job.now_us, in_flight=job.in_flight)
    return msgspec.msgpack.encode(version)


def _write(database: Database, contract: ContractSettings, job: WriteReport) -> bytes:
    with database.read() as connection:
        report = monthly_report(
            connection,
            job.month,
            contract,
            job.now_us,
            epci=job.epci,
            terms=job.terms,
            address=job.address,
        )
    return file_of(report, job.form, job.signature)
