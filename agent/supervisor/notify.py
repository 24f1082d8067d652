"""Words to systemd: ready, still working, stopping.  Nothing happens where there is no systemd.

Sources: sd_notify(3) of systemd 252: datagrams to ``$NOTIFY_SOCKET``, ``WATCHDOG_USEC``.
"""

import os

import sdnotify


class ServiceManager:
    """The service manager that started this process, if one did."""

    def __init__(self) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        limit_us = os.environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(limit_us) / 1_000_000 if limit_us.isdigit() else None

    def ready(self, status: str) -> None:
        """Say that the service is up."""
        self._notifier.notify(f"READY=1\nSTATUS={status}")

    def working(self) -> None:
        """Say that every part made progress."""
        self._notifier.notify("WATCHDOG=1")

    def stopping(self) -> None:
        """Say that an orderly stop began."""
        self._notifier.notify("STOPPING=1")
