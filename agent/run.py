"""The daemon as a process: one per state folder, signals, exit codes that say what went wrong.

0  asked to stop          1  a part or the disk failed (systemd starts it again)
2  settings unusable      3  another agent holds the state folder; both are 1 in a release of a slot
75 a restart was asked for (systemd starts it again)
"""

import asyncio
import fcntl
import os
import signal
import sqlite3
import sys
import traceback
from pathlib import Path

from agent.assembly import Agent, DataPathPort, MakeDataPath
from agent.clock import SystemClock
from agent.configuration.slots import SlotUnreadable
from agent.enrol.settings import SettingsError
from agent.host.card import memory_folder, usable_state
from agent.host.machine import RELEASE, restart_process
from agent.journal.recent import RECENT
from agent.journal_port import JournalPort
from agent.libraries import structlog
from agent.supervisor.leaving import Leave
from agent.wire.configuration import Configuration, ConfigurationError
from agent.wire.envelope import EnvelopeRefused
from agent.wire.log_limit import LogLimit, never_failing
from agent.wire.messages import Change
from agent.wire.order import WorkOrder

STOPPED, FAILED, UNUSABLE, ALREADY_RUNNING = 0, 1, 2, 3
_UNUSABLE = (
    SettingsError,
    SlotUnreadable,
    EnvelopeRefused,
    ConfigurationError,
)
_log = structlog.get_logger("agent")


def run_agent(state: Path, image: Path | None) -> int:
    """Serve one gateway until SIGTERM; returns the exit code."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            RECENT,
            LogLimit(SystemClock().monotonic_us, structlog.DropEvent),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.WriteLoggerFactory(never_failing(sys.stderr)),
    )
    try:
        state, card = usable_state(state, memory_folder())
        state.mkdir(parents=True, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _fail(ALREADY_RUNNING, f"{state}: un autre agent utilise ce dossier")
    except OSError as error:
        return _fail(FAILED, f"{state}: {error.strerror}")
    clock = SystemClock()
    try:
        agent = Agent(state=state, image=image, clock=clock, make_datapath=_radio_maker(state, clock))
        if card is not None:
            agent.card = card
            agent.journal.record(Change.RECOVERY, "card", "IN_MEMORY", card)
    except _UNUSABLE as error:
        return _fail(UNUSABLE, str(error))
    except (OSError, sqlite3.Error) as error:
        return _fail(FAILED, str(error))
    leave: Leave | None = None
    try:
        leave = asyncio.run(_serve(agent))
    except ExceptionGroup as group:
        _log.error("failed", error=repr(group))
        traceback.print_exception(group)
        return FAILED
    finally:
        os.close(lock)
    return STOPPED if leave is None else restart_process()


async def _serve(agent: Agent) -> Leave | None:
    """Return why the process shall begin again, or None when it was asked to stop."""
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    try:
        await serving
    except asyncio.CancelledError:
        return None
    except Leave as leave:
        return leave
    return None


def _radio_maker(state: Path, clock: SystemClock) -> MakeDataPath:
    from agent.gateway_radio import GatewayRadio

    def make(order: WorkOrder, configuration: Configuration, boot: int, journal: JournalPort) -> DataPathPort:
        return GatewayRadio(order, configuration, boot, journal, state=state, clock=clock)

    return make


def _fail(code: int, text: str) -> int:
    """Return the exit code; a release in a slot never ends for good: the launcher goes back to the base."""
    print(f"passerelle agent : {text}", file=sys.stderr)
    return FAILED if os.environ.get(RELEASE) else code
