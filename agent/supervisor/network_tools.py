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
from agent.wire import reasons
from agent.wire.reasons import Reason, ReasonedError

LONGEST_S = 60.0


class StageImpossible(ReasonedError, OSError):
    """This machine cannot do what the stage asks."""


class BackhaulTools(Protocol):
    """What carries out a backhaul stage; virtual in tests."""

    def carry_out(self, stage: Stage) -> Reason:
        """Do it, and return what was done.

        Raises:
            NoMeans: a tool is missing or refused.
        """
        ...


class NetworkTools:
    """The real means: asks what links there are, then acts."""

    def __init__(self, route: Callable[[], str | None] = route_now) -> None:
        self._route = route

    def carry_out(self, stage: Stage) -> Reason:
        """Do what a stage asks on this machine's links.

        Raises:
            NoMeans: a tool is missing, refused or did not end.
        """
        commands = commands_of(stage, self._links())
        for command in commands:
            run(command)
        done = "; ".join(" ".join(command) for command in commands)
        return reasons.recovery.carried_out(commands=done) if done else reasons.recovery.nothing_to_do()

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
        raise StageImpossible(reasons.machine.tool_missing(tool=command[0]))
    try:
        done = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, check=False, timeout=LONGEST_S
        )
    except subprocess.TimeoutExpired as error:
        endless = reasons.machine.tool_endless(command=" ".join(command), limit_s=int(LONGEST_S))
        raise StageImpossible(endless) from error
    if done.returncode:
        detail = done.stderr.strip() or str(done.returncode)
        raise StageImpossible(reasons.machine.tool_failed(command=" ".join(command), detail=detail))
    return done.stdout
