"""What a child does: it bounds itself, reads one order from stdin, and writes one answer to stdout."""

import contextlib
import os
import resource
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import msgspec
from sqlalchemy import Connection

from fleet.child.jobs import (
    CloseMonth,
    CompareMonth,
    CountDay,
    FileJob,
    JobDone,
    JobRefused,
    Order,
    ReckonJob,
    ReckonMonth,
    SurveyAir,
    TakeCoverages,
    WriteContest,
    WriteOpenData,
    WriteReport,
)
from fleet.db.connect import Database
from fleet.facts.settings import ContractSettings
from fleet.months.closing import NotYetError
from fleet.months.reckoner import ReckonsHere
from fleet.reports.signature import SignatureError
from fleet.reports.store import contest_bundle, file_of, monthly_report, opendata

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
            return JobDone(content=_done(database, order))
    except (NotYetError, SignatureError, ValueError) as error:
        return JobRefused(kind=type(error).__name__, text=str(error))


def _done(database: Database, order: Order) -> bytes:
    if isinstance(order.job, FileJob):
        with database.read() as connection:
            return _written(connection, order.contract, order.job)
    return msgspec.msgpack.encode(_reckoned(ReckonsHere(database, order.contract), order.job))


def _reckoned(here: ReckonsHere, job: ReckonJob) -> object:
    match job:
        case CloseMonth(month=month, now_us=now_us):
            return here.next_version(month, now_us)
        case ReckonMonth(month=month, now_us=now_us):
            return here.open_month(month, now_us)
        case CompareMonth(month=month, number=number):
            return here.differences(month, number)
        case TakeCoverages(month=month, now_us=now_us):
            return here.coverages(month, now_us)
        case CountDay(day=day):
            return here.count_day(day)
        case SurveyAir(now_us=now_us):
            return here.survey_air(now_us)


def _written(connection: Connection, contract: ContractSettings, job: FileJob) -> bytes:
    match job:
        case WriteContest(month=month, now_us=now_us, terms=terms, epci=epci):
            return contest_bundle(connection, month, contract, now_us, terms, epci=epci)
        case WriteOpenData(month=month, now_us=now_us):
            return opendata(connection, month, contract, now_us)
        case WriteReport():
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
