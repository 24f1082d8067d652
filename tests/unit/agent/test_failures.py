"""Exceptions become reasons by their type and number; the operating system's sentence is never read."""

import errno
import socket
import sqlite3
import ssl

import pytest

from agent.failures import reason_of, reason_of_fault
from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import ChipMisbehaved, LineFailed, OurMistake
from hal.fault import Fault, FaultKind


def full() -> sqlite3.Error:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), reasons.system.connection_refused()),
        (OSError(errno.ENOSPC, "x"), reasons.system.no_space()),
        (OSError(errno.EROFS, "x"), reasons.system.read_only()),
        (OSError(9999, "odd"), reasons.system.other(detail="odd")),
        (TimeoutError(), reasons.system.timed_out()),
        (socket.gaierror(socket.EAI_NONAME, "x"), reasons.system.name_unknown()),
        (socket.gaierror(socket.EAI_AGAIN, "x"), reasons.system.name_service_silent()),
        (ssl.SSLError("odd"), reasons.system.tls_failed(detail="('odd',)")),
        (full(), reasons.system.no_space()),
        (sqlite3.DatabaseError("odd"), reasons.spool.database_error(detail="odd")),
        (ValueError("odd"), reasons.system.value_refused(detail="odd")),
        (KeyError("odd"), reasons.system.unexpected(detail="KeyError('odd')")),
        (ChipMisbehaved("odd", where="x"), reasons.radio.misbehaved(detail="x: odd")),
        (LineFailed("odd"), reasons.radio.line_failed(detail="odd")),
        (OurMistake("odd"), reasons.radio.request_refused(detail="odd")),
        (LineFailed("x", fault=Fault(FaultKind.UNPLUGGED)), reasons.radio.unplugged()),
        (ReasonedError(reasons.lns.no_answer()), reasons.lns.no_answer()),
    ],
)
def test_an_exception_is_told_by_its_kind(error: BaseException, why: Reason) -> None:
    assert reason_of(error) == why


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_fault_of_the_concentrator_has_its_code(kind: FaultKind) -> None:
    assert reason_of_fault(Fault(kind, 0x14)).code.startswith("radio.")
    assert str(Fault(kind, 0x14))
