"""The wall clock steps by years, for real: libfaketime under the agent, its monotonic clock untouched.

Sources: libfaketime 0.9.10 answers EINVAL to ``clock_nanosleep`` with an absolute monotonic instant, which is
what ``time.sleep`` of Python 3.11 asks for; the agent under it sleeps by ``select`` instead.
"""

import os
import time
from pathlib import Path

from agent.wire.messages import Change
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Act, Fault, journal

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's package faketime."""
TEN_YEARS_S = 10 * 365 * 86_400
READS_EVERY_S = 1
SLEEP_BY_SELECT = """\
import select, time
time.sleep = lambda seconds: (select.select([], [], [], seconds), None)[1]
"""


def set_offset(rig: Rig, seconds: int) -> None:
    """The agent's wall clock is off by this from now on."""
    beside = rig.folder / "offset.new"
    beside.write_text(f"{seconds:+d}\n")
    beside.replace(rig.folder / "offset")


def start_under(rig: Rig, seconds: int) -> None:
    """Start the agent with a clock that is off."""
    set_offset(rig, seconds)
    (rig.folder / "sitecustomize.py").write_text(SLEEP_BY_SELECT)
    rig.environment = {
        "PYTHONPATH": os.pathsep.join([str(rig.folder), os.environ.get("PYTHONPATH", "")]),
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(rig.folder / "offset"),
        "FAKETIME_CACHE_DURATION": str(READS_EVERY_S),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    rig.stop()
    rig.start()


def step(seconds: int) -> Act:
    """Return an act: the clock is right at the start, steps in flight, and stays off until healed."""

    def strike(rig: Rig) -> None:
        began = time.monotonic()
        start_under(rig, 0)
        rig.wait_serving(began)
        set_offset(rig, seconds)

    return strike


def boot(seconds: int) -> Act:
    """Return an act: the gateway starts with a clock that is off, hears frames, and then learns the time."""

    def strike(rig: Rig) -> None:
        start_under(rig, seconds)
        rig.wait_receiving()
        rig.frames(10)
        time.sleep(5)
        set_offset(rig, 0)

    return strike


def to_1970(rig: Rig) -> None:
    """No battery clock: the first second of 1970."""
    boot(-int(time.time()) + 3600)(rig)


def right(rig: Rig) -> None:
    """The time is right again."""
    set_offset(rig, 0)


STEPPED = journal(Change.CLOCK, "STEPPED")
NEEDS = ("faketime",)
FAULTS = (
    Fault(
        name="horloge avancée de 10 ans en service",
        strike=step(TEN_YEARS_S),
        told=STEPPED,
        heal=right,
        hears_meanwhile=True,
        needs=NEEDS,
    ),
    Fault(
        name="horloge reculée de 10 ans en service",
        strike=step(-TEN_YEARS_S),
        told=STEPPED,
        heal=right,
        hears_meanwhile=True,
        needs=NEEDS,
    ),
    Fault(
        name="démarrage dix ans trop tard, puis l’heure juste",
        strike=boot(TEN_YEARS_S),
        told=STEPPED,
        needs=NEEDS,
    ),
    Fault(name="démarrage en 1970, puis l’heure juste", strike=to_1970, told=STEPPED, needs=NEEDS),
)
