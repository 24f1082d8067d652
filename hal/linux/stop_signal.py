"""Waits for SIGTERM or SIGINT in the main thread, without a handler.

A handler of Python runs between two bytecodes of the main thread, wherever that thread is: one that takes a
lock (``threading.Event.set``) waits for ever when the main thread holds it.  Here the signals are blocked
and fetched with ``sigtimedwait``, so no code of ours runs at a moment that it did not choose.

Sources: POSIX.1-2017 ``sigtimedwait``; signal(7); Python docs, ``signal``, "Signals and threads".
"""

import signal
from types import TracebackType

STOPS = frozenset((signal.SIGTERM, signal.SIGINT))


class StopSignal:
    """Blocks the stop signals from ``with`` on and says when one has come.

    A thread inherits the mask of the thread that starts it: enter before the first thread starts, or the
    kernel delivers the signal to a thread that does not block it.  A child process inherits the mask too.
    """

    def __init__(self) -> None:
        self.received = False
        self._mask_before: set[int] = set()

    def wait(self, limit_s: float) -> bool:
        """Return whether a stop signal has come; wait at most ``limit_s`` seconds for it."""
        if not self.received:
            self.received = signal.sigtimedwait(STOPS, limit_s) is not None
        return self.received

    def wait_for_ever(self) -> None:
        """Return when a stop signal has come."""
        if not self.received:
            signal.sigwait(STOPS)
            self.received = True

    def __enter__(self) -> "StopSignal":
        self._mask_before = {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while signal.sigtimedwait(STOPS, 0) is not None:
            """A second Ctrl-C that came while everything closed asked for what has happened."""
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask_before)
