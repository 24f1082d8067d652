"""Start the machine or this process again, by the means that the machine has.

where                what restarts the process             what reboots
balena container     the supervisor's restart-service      the supervisor's reboot
systemd              exit code 75, Restart=always          logind (polkit rule, ``firmware/units``)
neither              it replaces itself                    refused

Under systemd its watchdog ends a process that stands still.  A container of balena has none, so there the
process ends itself: a timer of the interpreter, beside all threads and locks, prints where every thread
stands and exits; the container's restart policy starts it again.

Sources: sd_notify(3) of systemd 252: datagrams to ``$NOTIFY_SOCKET``, ``WATCHDOG_USEC``; Python's
``faulthandler.dump_traceback_later(exit=True)``, which exits with 1.
"""

import faulthandler
import os
import shutil
import subprocess
import sys

import sdnotify

from agent.host.balena import BalenaRefused, balena_here
from agent.wire import reasons

RELEASE = "PASSERELLE_RELEASE"
"""The variable that says to the agent which release it is; absent or empty: the base."""
LAUNCHER = "PASSERELLE_LAUNCHER"
"""The variable that names the base's interpreter, which chooses what starts (``agent.releases``)."""
OWN_PYTHON = (sys.executable, *(("-I",) if sys.flags.isolated else ()))
"""What starts another process of this program: the same interpreter, isolated if this one is."""
OWN_WATCHDOG_S = 90.0
"""The same as WatchdogSec= of the unit."""

RESTART_CODE = 75
"""EX_TEMPFAIL of sysexits.h: whoever started the process starts it again."""
REBOOT_WAIT_S = 20.0


class CannotReboot(reasons.ReasonedError, OSError):
    """There is no means to reboot here; says which was tried."""


def restart_process() -> int:
    """Return the exit code that makes whoever started us start us again, or replace this process."""
    balena = balena_here()
    if balena is not None:
        try:
            balena.restart_service()
        except BalenaRefused as error:
            print(f"{error}; the container's restart policy does it", file=sys.stderr)
        return RESTART_CODE
    if "NOTIFY_SOCKET" not in os.environ and "INVOCATION_ID" not in os.environ:
        sys.stderr.flush()
        launcher = os.environ.get(LAUNCHER)
        if launcher is not None:
            os.execv(launcher, [launcher, "-m", "passerelle", "agent", "start", *sys.argv[3:]])  # noqa: S606
        os.execv(sys.executable, [sys.executable, "-m", "passerelle", *sys.argv[1:]])  # noqa: S606
    return RESTART_CODE


def reboot_machine() -> None:
    """Ask the machine to reboot; returns when it was accepted.

    Raises:
        CannotReboot: no means, or refused.
    """
    balena = balena_here()
    if balena is not None:
        try:
            balena.reboot()
        except BalenaRefused as error:
            raise CannotReboot(error.why) from error
        return
    systemctl = shutil.which("systemctl")
    if systemctl is None or "INVOCATION_ID" not in os.environ:
        raise CannotReboot(reasons.machine.cannot_reboot())
    done = subprocess.run(
        [systemctl, "--no-ask-password", "reboot"],
        capture_output=True,
        text=True,
        check=False,
        timeout=REBOOT_WAIT_S,
    )
    if done.returncode:
        detail = done.stderr.strip() or str(done.returncode)
        raise CannotReboot(reasons.machine.reboot_refused(detail=detail))


class ServiceNotifier:
    """The service manager that started this process, if one did."""

    def __init__(self, *, own_watchdog_s: float | None = None) -> None:
        self._notifier = sdnotify.SystemdNotifier()
        limit_us = os.environ.get("WATCHDOG_USEC", "")
        systemd_s = int(limit_us) / 1_000_000 if limit_us.isdigit() else None
        if own_watchdog_s is None and systemd_s is None and balena_here() is not None:
            own_watchdog_s = OWN_WATCHDOG_S
        self._own_s = own_watchdog_s if systemd_s is None else None
        self.watchdog_s = systemd_s or self._own_s

    def ready(self, status: str) -> None:
        """Say that the service is up."""
        line = " ".join(status.splitlines())
        # sdnotify sends Latin-1 and drops the whole message where that fails; systemd reads UTF-8.
        self._notifier.notify(f"READY=1\nSTATUS={line}".encode().decode("latin-1"))

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
