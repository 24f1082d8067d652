"""Words to who watches this process: ready, still working, stopping.

Under systemd its watchdog ends a process that stands still.  A container of balena has none, so there the
process ends itself: a timer of the interpreter, beside all threads and locks, prints where every thread
stands and exits; the container's restart policy starts it again.

Sources: sd_notify(3) of systemd 252: datagrams to ``$NOTIFY_SOCKET``, ``WATCHDOG_USEC``; Python's
``faulthandler.dump_traceback_later(exit=True)``, which exits with 1.
"""

import faulthandler
import os

import sdnotify

from agent.host.balena import balena_here

OWN_WATCHDOG_S = 90.0
"""The same as WatchdogSec= of the unit."""


class ServiceManager:
    """The service manager that started this process, if one did."""

    def __init__(self, *, own_watchdog_s: float | None = None) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        limit_us = os.environ.get("WATCHDOG_USEC", "")
        told_s = int(limit_us) / 1_000_000 if limit_us.isdigit() else None
        if own_watchdog_s is None and told_s is None and balena_here() is not None:
            own_watchdog_s = OWN_WATCHDOG_S
        self._own_s = own_watchdog_s if told_s is None else None
        self.watchdog_s = told_s or self._own_s

    def ready(self, status: str) -> None:
        """Say that the service is up."""
        self._notifier.notify(f"READY=1\nSTATUS={status}")

    def working(self) -> None:
        """Say that every part made progress."""
        self._notifier.notify("WATCHDOG=1")
        if self._own_s is not None:
            faulthandler.dump_traceback_later(self._own_s, exit=True)

    def stopping(self) -> None:
        """Say that an orderly stop began."""
        self._notifier.notify("STOPPING=1")
        if self._own_s is not None:
            faulthandler.cancel_dump_traceback_later()
