"""What a fault is, what the fleet must hear of it, and the row that comes out."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from agent.wire.messages import Change, ConfigReported, ConfigState, Heartbeat, JournalRecord, Presence, Reply
from agent.wire.reasons import text
from tests.controlpath.rig import Rig

Act: TypeAlias = Callable[[Rig], None]
Wanted: TypeAlias = Callable[[str, Any], bool]


class Room(StrEnum):
    """Where a fault is played."""

    HOST = "host"
    NETWORK = "network"
    """The agent in a network namespace behind a virtual modem, ``wwan0``, and with names of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row: ``strike`` makes it, ``told`` is what the fleet must hear, ``heal`` ends it."""

    name: str
    strike: Act
    told: Wanted
    heal: Act = lambda _: None
    hears_meanwhile: bool = False
    """Frames arrive during the fault and must all be delivered afterwards."""
    silent: bool = False
    """``told`` is what must no longer be heard; the time to detect is that of the last one."""
    room: Room = Room.HOST
    needs: tuple[str, ...] = ()
    """Programs without which the fault cannot be made."""
    clock_in_step: bool = False
    """Only where the kernel says that its clock is synchronised: an agent believes no other about expiry."""
    version: int = 1
    """The configuration that runs in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table; ``missing`` names what it could not be played without."""

    name: str
    detect_s: float = 0.0
    serve_s: float = 0.0
    frames: int = 0
    lost: int = 0
    told: str = ""
    version: int = 0
    trial: bool = False
    missing: str = ""


def journal(change: Change, value: str = "", words: str = "") -> Wanted:
    """A record of the journal."""

    def wanted(leaf: str, one: Any) -> bool:
        return (
            leaf == "journal" and one.change is change and value in one.value and words in str(one.why or "")
        )

    return wanted


def reported(state: ConfigState, words: str = "") -> Wanted:
    """A word about a configuration."""
    return lambda leaf, one: leaf == "config/reported" and one.state is state and words in str(one.why or "")


def replied(ok: bool, words: str = "") -> Wanted:
    """The answer to a command."""
    return lambda leaf, one: leaf.startswith("reply/") and one.ok is ok and words in str(one.why or "")


def beat(**fields: Any) -> Wanted:
    """A heartbeat that says these."""
    return lambda leaf, one: leaf == "health" and all(getattr(one, name) == v for name, v in fields.items())


def presence(online: bool) -> Wanted:
    """A session that begins, or the last will."""
    return lambda leaf, one: leaf == "presence" and one.online is online


def lns_down(leaf: str, one: Any) -> bool:
    """A heartbeat whose contractual connector is down."""
    return leaf == "health" and not one.connectors[0].up


def any_beat(leaf: str, _: Any) -> bool:
    """A heartbeat: the gateway serves on."""
    return leaf == "health"


def words_of(leaf: str, one: Any) -> str:
    """Return what a message says, for people."""
    match one:
        case JournalRecord():
            reason = f" ({text(one.why, 'fr')})" if one.why else ""
            return f"journal {one.change.name} {one.value}{reason}"
        case ConfigReported():
            return f"{one.state.name}\u202f: {text(one.why, 'fr')}"
        case Reply():
            return f"réponse {'faite' if one.ok else 'refusée'}\u202f: {text(one.why, 'fr')}"
        case Presence():
            return "nouvelle session" if one.online else "dernière volonté\u202f: hors ligne"
        case Heartbeat():
            up = "UP" if one.connectors and one.connectors[0].up else "DOWN"
            kept = "" if one.spool_accepting else ", réserve fermée"
            return f"battement {one.radio.name}, LNS {up}, {one.spool_records} en réserve{kept}"
        case _:
            return leaf


def kill_and_start(rig: Rig) -> None:
    """SIGKILL, and the service manager starts the agent again."""
    rig.stop(signal.SIGKILL)
    rig.start()


def play(fault: Fault, rig: Rig) -> Row:
    """Serve, strike, hear, heal, serve again; return the row."""
    began = time.monotonic()
    rig.start()
    rig.wait_serving(began)
    rig.frames(5)
    rig.wait_told()
    struck = time.monotonic()
    fault.strike(rig)
    if fault.hears_meanwhile:
        rig.frames(10)
    if fault.silent:
        detected = rig.last_heard(fault.told, quiet_s=5.0) - struck
        told = "plus rien n’est admis de cette passerelle"
    else:
        detected = rig.wait(fault.told, since=struck)
        told = words_of(*rig.found)
    healed = time.monotonic()
    fault.heal(rig)
    served = rig.wait_serving(max(healed, struck + detected))
    rig.frames(5)
    lost = rig.wait_delivered()
    ledger = rig.ledger()
    return Row(
        name=fault.name,
        detect_s=max(0.0, detected),
        serve_s=served,
        frames=len(rig.sent),
        lost=lost,
        told=told,
        version=ledger.good.version,
        trial=ledger.trial is not None,
    )


def signal_for(number: int, seconds: float) -> Act:
    """Return an act that sends ``number`` to the agent, and SIGCONT after ``seconds``."""

    def strike(rig: Rig) -> None:
        os.kill(rig.pid, number)
        time.sleep(seconds)
        os.kill(rig.pid, signal.SIGCONT)

    return strike


def run(*words: str) -> None:
    """Run a program that must succeed."""
    subprocess.run(words, check=True, capture_output=True)
