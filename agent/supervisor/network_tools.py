"""Carry out the stages of the backhaul's ladder: NetworkManager and ModemManager over their own tools.

polkit rules in ``firmware/units`` allow the agent's user exactly that; in a balena container the host's bus
is reached by the label ``io.balena.features.dbus``.  A tool that is missing makes the stage fail with its
name, and the ladder goes on.
"""

import shutil
import subprocess
from collections.abc import Callable
from typing import Protocol

from agent.host.details import route_now
from agent.supervisor.backhaul_commands import (
    LIST_DEVICES,
    SHOW_MODEM,
    Command,
    Links,
    commands_of,
    parse_devices,
    parse_sim_slots,
)
from agent.supervisor.step import Stage

LONGEST_S = 60.0


class StageImpossible(OSError):
    """This machine cannot do what the stage asks."""


class BackhaulTools(Protocol):
    """What carries out a backhaul stage; virtual in tests."""

    def carry_out(self, stage: Stage) -> str:
        """Do it, and return what was done.

        Raises:
            NoMeans: a tool is missing or refused.
        """
        ...


class NetworkTools:
    """The real means: asks what links there are, then acts."""

    def __init__(self, route: Callable[[], str | None] = route_now) -> None:
        self._route = route

    def carry_out(self, stage: Stage) -> str:
        """Do what a stage asks on this machine's links.

        Raises:
            NoMeans: a tool is missing, refused or did not end.
        """
        commands = commands_of(stage, self._links())
        for command in commands:
            run(command)
        return "; ".join(" ".join(command) for command in commands)

    def _links(self) -> Links:
        slots, slot = parse_sim_slots(_asked(SHOW_MODEM))
        return Links(
            route=self._route(), devices=parse_devices(_asked(LIST_DEVICES)), sim_slots=slots, sim_slot=slot
        )


def _asked(command: Command) -> str:
    """Return what a question prints, or nothing where nobody answers it."""
    try:
        return run(command)
    except StageImpossible:
        return ""


def run(command: Command) -> str:
    """Return the output of a command that ended well.

    Raises:
        NoMeans: it is not installed, failed or did not end within ``LONGEST_S``.
    """
    program = shutil.which(command[0])
    if program is None:
        raise StageImpossible(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired as error:
        raise StageImpossible(f"{' '.join(command)}: no end within {LONGEST_S:.0f} s") from error
    if done.returncode:
        raise StageImpossible(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
