"""The daemon as a process: one per state folder, signals, exit codes that say what went wrong.

0  asked to stop          1  a part failed (systemd starts it again)
2  settings unusable      3  another agent holds the state folder
"""

import asyncio
import contextlib
import fcntl
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import structlog

from agent.assembly import Agent, DataPathPort, MakeDataPath
from agent.clock import SystemClock
from agent.configuration.slots import SlotUnreadable
from agent.enrol.identity import BadCertificate
from agent.enrol.settings import SettingsError
from agent.evidence.observation import Observed
from agent.wire.configuration import Configuration, ConfigurationError
from agent.wire.envelope import EnvelopeRefused
from agent.wire.order import WorkOrder

STOPPED, FAILED, UNUSABLE, ALREADY_RUNNING = 0, 1, 2, 3
_UNUSABLE = (
    SettingsError,
    SlotUnreadable,
    EnvelopeRefused,
    ConfigurationError,
    BadCertificate,
    OSError,
    sqlite3.Error,
)
_log = structlog.get_logger("agent")


def run_agent(state: Path, image: Path | None) -> int:
    """Serve one gateway until SIGTERM; returns the exit code."""
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _fail(ALREADY_RUNNING, f"{state}: un autre agent utilise ce dossier")
    except OSError as error:
        return _fail(UNUSABLE, f"{state}: {error.strerror}")
    clock = SystemClock()
    try:
        agent = Agent(state=state, image=image, clock=clock, make_datapath=_radio_maker(state, clock))
    except _UNUSABLE as error:
        return _fail(UNUSABLE, str(error))
    try:
        asyncio.run(_serve(agent))
    except ExceptionGroup as group:
        _log.error("failed", error=repr(group), exc_info=group)
        return FAILED
    finally:
        os.close(lock)
    return STOPPED


async def _serve(agent: Agent) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _radio_maker(state: Path, clock: SystemClock) -> MakeDataPath:
    from agent.gateway_radio import GatewayRadio

    def make(
        order: WorkOrder, configuration: Configuration, boot: int, observe: Callable[[Observed], None]
    ) -> DataPathPort:
        return GatewayRadio(order, configuration, boot, observe, state=state, clock=clock)

    return make


def _fail(code: int, text: str) -> int:
    print(f"passerelle agent : {text}", file=sys.stderr)
    return code
