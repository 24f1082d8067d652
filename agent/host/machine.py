"""Start the machine or this process again, by the means that the machine has.

where                what restarts the process             what reboots
balena container     the supervisor's restart-service      the supervisor's reboot
systemd              exit code 75, Restart=always          logind (polkit rule, ``firmware/units``)
neither              it replaces itself                    refused
"""

import os
import shutil
import subprocess
import sys

from agent.host.balena import BalenaRefused, balena_here

RESTART_CODE = 75
"""EX_TEMPFAIL of sysexits.h: whoever started the process starts it again."""
REBOOT_WAIT_S = 20.0


class CannotReboot(OSError):
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
            raise CannotReboot(str(error)) from error
        return
    systemctl = shutil.which("systemctl")
    if systemctl is None or "INVOCATION_ID" not in os.environ:
        raise CannotReboot("no service manager and no balena supervisor: this machine cannot be rebooted")
    done = subprocess.run(
        [systemctl, "--no-ask-password", "reboot"],
        capture_output=True,
        text=True,
        check=False,
        timeout=REBOOT_WAIT_S,
    )
    if done.returncode:
        raise CannotReboot(f"systemctl reboot: {done.stderr.strip() or done.returncode}")
