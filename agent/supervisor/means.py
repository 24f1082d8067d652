"""The rungs of the backhaul's ladder, by what this machine has: NetworkManager and ModemManager.

Both are asked over their command-line tools; polkit rules in ``firmware/units`` allow the agent's user
exactly that.  A tool that is missing makes the rung fail with its name, and the ladder goes on.
"""

import shutil
import subprocess

from agent.health.details import route_now
from agent.supervisor.step import Stage

LONGEST_S = 60.0
_MODEM_OFF_ON = (
    ("mmcli", "--modem=any", "--set-power-state-off"),
    ("mmcli", "--modem=any", "--set-power-state-on"),
)
_EVERY_INTERFACE = (("nmcli", "networking", "off"), ("nmcli", "networking", "on"))


def commands_of(stage: Stage, interface: str | None) -> tuple[tuple[str, ...], ...]:
    """Return the commands of a stage; ``interface`` carries the default route, None when none does."""
    match stage:
        case Stage.RENEW_ADDRESS if interface is not None:
            return (("nmcli", "device", "connect", interface),)
        case Stage.RESET_MODEM:
            return (("mmcli", "--modem=any", "--reset"),)
        case Stage.POWER_MODEM:
            return _MODEM_OFF_ON
        case _:
            return _EVERY_INTERFACE


class NoMeans(OSError):
    """This machine cannot do what the stage asks."""


def carry_out(stage: Stage) -> None:
    """Run the commands of a backhaul stage.

    Raises:
        NoMeans: a tool is missing or refused.
    """
    interface = route_now()
    for command in commands_of(stage, interface):
        program = shutil.which(command[0])
        if program is None:
            raise NoMeans(f"{command[0]} is not installed")
        try:
            done = subprocess.run(
                [program, *command[1:]], capture_output=True, text=True, check=False, timeout=LONGEST_S
            )
        except subprocess.TimeoutExpired as error:
            raise NoMeans(f"{' '.join(command)}: no end within {LONGEST_S:.0f} s") from error
        if done.returncode:
            raise NoMeans(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
