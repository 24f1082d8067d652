"""Start the machine or this process again, by the means that the machine has.

In a balena container the supervisor's own API does it; under systemd the service manager starts the
process again and logind reboots (the unit's user is allowed to by a polkit rule, ``firmware/units``); with
neither, the process replaces itself and a reboot is refused.

Sources: balena supervisor API v1, ``POST /v1/reboot?apikey=`` at ``BALENA_SUPERVISOR_ADDRESS``.
"""

import http.client
import os
import shutil
import subprocess
import sys
from urllib.parse import urlsplit

RESTART_CODE = 75
"""EX_TEMPFAIL of sysexits.h: the service manager starts the process again."""
REBOOT_WAIT_S = 20.0


class CannotReboot(OSError):
    """There is no means to reboot here; says which was tried."""


def restart_process() -> int:
    """Return the exit code that makes the service manager start us again, or replace this process."""
    if "NOTIFY_SOCKET" not in os.environ and "INVOCATION_ID" not in os.environ:
        sys.stderr.flush()
        os.execv(sys.executable, [sys.executable, "-m", "passerelle", *sys.argv[1:]])  # noqa: S606
    return RESTART_CODE


def reboot_machine() -> None:
    """Ask the machine to reboot; returns when it was accepted.

    Raises:
        CannotReboot: no means, or refused.
    """
    address = os.environ.get("BALENA_SUPERVISOR_ADDRESS")
    if address:
        _reboot_by_balena(address, os.environ.get("BALENA_SUPERVISOR_API_KEY", ""))
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


def _reboot_by_balena(address: str, key: str) -> None:
    url = urlsplit(address)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=REBOOT_WAIT_S)
    try:
        connection.request("POST", f"/v1/reboot?apikey={key}", headers={"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise CannotReboot(f"balena supervisor: {error}") from error
    finally:
        connection.close()
    if status >= 300:
        raise CannotReboot(f"balena supervisor: HTTP {status}")
