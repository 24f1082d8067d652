"""An exception as a reason: what hal, the system, TLS and our own parts raise, by type and number."""

import errno
import socket
import sqlite3
import ssl
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError
from hal.errors import ChipMisbehaved, HalError, LineFailed
from hal.fault import Fault, FaultKind

CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
"""OpenSSL's name of the alert (RFC 5246 §7.2.2, RFC 8446 §6.2: 44)."""
_BY_ERRNO: dict[int, Callable[[], Reason]] = {
    errno.ECONNREFUSED: reasons.system.connection_refused,
    errno.ECONNRESET: reasons.system.connection_reset,
    errno.EPIPE: reasons.system.connection_reset,
    errno.ENETUNREACH: reasons.system.network_unreachable,
    errno.ENETDOWN: reasons.system.network_unreachable,
    errno.EHOSTUNREACH: reasons.system.no_route,
    errno.ETIMEDOUT: reasons.system.timed_out,
    errno.ENOSPC: reasons.system.no_space,
    errno.EROFS: reasons.system.read_only,
    errno.EIO: reasons.system.input_output,
    errno.ENOENT: reasons.system.absent,
    errno.ENODEV: reasons.system.absent,
    errno.EACCES: reasons.system.not_permitted,
    errno.EPERM: reasons.system.not_permitted,
}
_BY_NAME_SERVICE: dict[int, Callable[[], Reason]] = {
    socket.EAI_NONAME: reasons.system.name_unknown,
    socket.EAI_NODATA: reasons.system.name_unknown,
    socket.EAI_AGAIN: reasons.system.name_service_silent,
}

_BY_SQLITE: dict[int, Callable[[], Reason]] = {
    sqlite3.SQLITE_FULL: reasons.system.no_space,
    sqlite3.SQLITE_READONLY: reasons.system.read_only,
    sqlite3.SQLITE_IOERR: reasons.system.input_output,
}
"""By primary result code, the low byte of the extended one (sqlite.org/rescode.html)."""


def reason_of(error: BaseException) -> Reason:
    """Return why something failed; what nobody foresaw carries its own English text as a value."""
    if isinstance(error, ReasonedError):
        return error.why
    made = next((make for kind, make in _MAKERS if isinstance(error, kind)), None)
    return reasons.system.unexpected(detail=repr(error)) if made is None else made(error)


def reason_of_fault(fault: Fault) -> Reason:
    """Return the reason that a fault of the concentrator is."""
    register = f"{fault.register:#04x}"
    if fault.kind in _BY_REGISTER:
        return _BY_REGISTER[fault.kind](register=register)
    if fault.kind in _BY_PROGRAM:
        return reasons.radio.parity_error(program=_BY_PROGRAM[fault.kind])
    return _BY_KIND[fault.kind]()


class _OfRegister(Protocol):
    def __call__(self, *, register: str) -> Reason: ...


_BY_REGISTER: dict[FaultKind, _OfRegister] = {
    FaultKind.VERSION_REGISTER: reasons.radio.version_register,
    FaultKind.CONFIGURATION_LOST: reasons.radio.configuration_lost,
    FaultKind.AGC_STUCK: reasons.radio.agc_stuck,
}
_BY_PROGRAM = {FaultKind.AGC_PARITY: "AGC", FaultKind.ARB_PARITY: "ARB"}
_BY_KIND: dict[FaultKind, Callable[[], Reason]] = {
    FaultKind.COUNTER_STILL: reasons.radio.counter_still,
    FaultKind.DEAD_BUS: reasons.radio.dead_bus,
    FaultKind.UNPLUGGED: reasons.radio.unplugged,
    FaultKind.NO_SX1261: reasons.radio.no_sx1261,
    FaultKind.RESET_LINES: partial(reasons.radio.reset_lines, detail=""),
}


def _of_hal(error: Any) -> Reason:
    if error.fault is not None and error.fault.kind is FaultKind.RESET_LINES:
        return reasons.radio.reset_lines(detail=str(error))
    if error.fault is not None:
        return reason_of_fault(error.fault)
    match error:
        case ChipMisbehaved():
            return reasons.radio.misbehaved(detail=str(error))
        case LineFailed():
            return reasons.radio.line_failed(detail=str(error))
        case _:
            return reasons.radio.request_refused(detail=str(error))


def _of_certificate(error: Any) -> Reason:
    return reasons.system.certificate_not_believed(detail=error.verify_message)


def _of_tls(error: Any) -> Reason:
    if CERTIFICATE_REVOKED in str(error):
        return reasons.system.certificate_revoked()
    return reasons.system.tls_failed(detail=getattr(error, "reason", "") or str(error))


def _of_name(error: Any) -> Reason:
    known = _BY_NAME_SERVICE.get(error.errno)
    return _of_system(error) if known is None else known()


def _of_system(error: Any) -> Reason:
    known = _BY_ERRNO.get(error.errno)
    if known is not None:
        return known()
    if isinstance(error, TimeoutError):
        return reasons.system.timed_out()
    return reasons.system.other(detail=error.strerror or str(error) or type(error).__name__)


def _of_sqlite(error: Any) -> Reason:
    known = _BY_SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
    return reasons.spool.database_error(detail=str(error)) if known is None else known()


_MAKERS: tuple[tuple[type[BaseException], Callable[[Any], Reason]], ...] = (
    (HalError, _of_hal),
    (ssl.SSLCertVerificationError, _of_certificate),
    (ssl.SSLError, _of_tls),
    (socket.gaierror, _of_name),
    (OSError, _of_system),
    (sqlite3.Error, _of_sqlite),
    (ValueError, lambda error: reasons.system.value_refused(detail=str(error))),
)
"""The narrower type comes first."""
