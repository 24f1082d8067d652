"""Why the boot before ended, as far as this machine can tell: the reason of the BOOT record.

    orderly stop                       nothing: the STOP record before says why
    same start of the machine          crash of the agent; with the service manager's own word for it
    hardware watchdog reset            watchdog: the machine stood still
    another start of the machine       nothing: the power went, or a kernel that could not say so

The fleet blames the box for what is named here and power for what is not (AVAILABILITY §2).

Sources: systemd.exec(5), ``$SERVICE_RESULT``, ``$EXIT_CODE``, ``$EXIT_STATUS`` of ExecStopPost=; Linux
``Documentation/watchdog/watchdog-api.rst``: WDIOF_CARDRESET is 0x0020 of ``bootstatus``.
"""

from dataclasses import dataclass
from pathlib import Path

from agent.durable import write_if_possible
from agent.wire import reasons
from agent.wire.messages import PreviousBoot
from agent.wire.reasons import Reason

MACHINE_FILE = "machine"
ENDED_FILE = "ended"
"""Written by the unit's ExecStopPost into the state folder."""
ENDED_LIMIT_CHARACTERS = 80
KERNEL_BOOT = Path("/proc/sys/kernel/random/boot_id")
BOOT_STATUS = Path("/sys/class/watchdog/watchdog0/bootstatus")
_CARD_RESET = 0x20
_RESULTS = {
    "watchdog": reasons.ending.agent_stood_still,
    "oom-kill": reasons.ending.out_of_memory,
    "core-dump": reasons.ending.core_dumped,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is found at a start."""

    same_machine_start: bool = False
    service: str = ""
    """Result, code and status in the service manager's words; empty where nobody wrote them."""
    hardware_reset: bool = False


def ending_of(previous: PreviousBoot | None, ended: Ended) -> Reason | None:
    """Return why the boot before ended, for the BOOT record."""
    if previous is None or previous.clean:
        return None
    if not ended.same_machine_start:
        return reasons.ending.machine_stood_still() if ended.hardware_reset else None
    result, _, rest = ended.service.partition(" ")
    if result in _RESULTS:
        return _RESULTS[result]()
    return reasons.ending.crashed_with(result=rest or result) if result else reasons.ending.crashed()


def look_back(state: Path, *, kernel_boot: Path = KERNEL_BOOT, boot_status: Path = BOOT_STATUS) -> Ended:
    """Return what tells of the end before, and put down this start of the machine for the next time."""
    present, known = _text(kernel_boot), _text(state / MACHINE_FILE)
    if present and present != known:
        write_if_possible(state / MACHINE_FILE, present.encode())
    service = _text(state / ENDED_FILE)[:ENDED_LIMIT_CHARACTERS]
    try:
        (state / ENDED_FILE).unlink(missing_ok=True)
    except OSError:
        service = ""
    status = _text(boot_status)
    return Ended(
        same_machine_start=bool(present) and present == known,
        service=service,
        hardware_reset=status.isdigit() and bool(int(status) & _CARD_RESET),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
