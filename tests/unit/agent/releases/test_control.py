"""Releases of a running agent, with the real launcher, the real child process and a fleet on loopback."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.configuration.control import AskedRelease
from agent.host.machine import LAUNCHER, RELEASE
from agent.journal_port import MemoryJournal
from agent.releases.control import BASE_NAME, ReleaseControl, ReleaseRefused
from agent.releases.model import BASE, GOOD_STARTS_LIMIT, STARTS_LIMIT
from agent.releases.store import ReleaseStore
from agent.supervisor.leaving import Leave
from agent.wire import reasons
from agent.wire.configuration import ReleaseConfig
from agent.wire.messages import TimeQuality
from tests.controlpath.virtual import SigningFleet, VirtualClock, configuration
from tests.unit.agent.releases.test_bring import OURS, Fleet, fleet, state

__all__ = ["fleet", "state"]
SHOW = b"""
import json, os, sys
print(json.dumps([os.environ.get("PASSERELLE_RELEASE"), sys.argv[1:], sys.prefix]))
sys.exit(75 if os.environ.get("PASSERELLE_RELEASE") else 0)
"""
OURS["passerelle/__main__.py"] = SHOW


class World:
    """One gateway's releases; ``left`` holds why its process would have ended."""

    def __init__(
        self, state: Path, fleet: Fleet, *, running: str = BASE, prefix: Path = Path(sys.prefix)
    ) -> None:
        import msgspec

        self.left: list[Leave] = []
        self.store = ReleaseStore(state)
        self.clock = VirtualClock(trusted=TimeQuality.NTP)
        self.clock.wall_us = fleet.job().now_us - self.clock.now_us
        self.journal = MemoryJournal(self.clock)
        order = msgspec.structs.replace(
            SigningFleet().order(configuration()), enrol_url=fleet.job().url, fleet_ca_pem=""
        )
        self.asked = ReleaseConfig(
            root_sha256=fleet.job().anchor_sha256, fetch="0.2.0", rate_kbit_per_s=100_000
        )
        self.control = ReleaseControl(
            state=state,
            order=order,
            clock=self.clock,
            journal=self.journal,
            leave=self.left.append,
            prefix=prefix,
        )
        self.control.running = running

    def asking(self, *, is_waiting: bool = False, signed_at_us: int = 0) -> AskedRelease:
        return AskedRelease(release=self.asked, is_waiting=is_waiting, signed_at_us=signed_at_us)


def started(state: Path) -> list[object]:
    """Start as the unit does, and return what the release that began says of itself."""
    command = [sys.executable, "-m", "passerelle", "agent", "start", "--state", str(state)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    shown = done.stdout.strip().splitlines()
    return json.loads(shown[-1]) if shown else [done.returncode]


def test_a_release_is_brought_tried_kept_and_left(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    with pytest.raises(ReleaseRefused):
        world.control.want("0.2.0", on_trial=True)
    assert asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.fields() == {
        "release": BASE_NAME,
        "release_slot": BASE_NAME,
        "releases_ready": "0.2.0",
    }
    assert world.control.want("0.2.0", on_trial=True)
    assert [str(each.why) for each in world.left] == ["change of the agent's release: 0.2.0"]
    release, arguments, prefix = started(state)
    assert (release, arguments) == ("0.2.0", ["agent", "run", "--state", str(state)])
    assert prefix == str(state / "releases" / "a")
    assert world.store.ledger().starts == 1
    World(state, fleet, running="0.2.0").control.confirmed()
    assert [started(state)[0] for _ in range(STARTS_LIMIT + 1)] == ["0.2.0"] * (STARTS_LIMIT + 1)
    assert World(state, fleet, running="0.2.0").control.want(BASE, on_trial=False)
    assert world.store.ledger().good == BASE


def test_a_release_that_crashes_at_every_start_is_left(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    assert asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.want("0.2.0", on_trial=True)
    assert [started(state)[0] for _ in range(STARTS_LIMIT)] == ["0.2.0"] * STARTS_LIMIT
    assert started(state) == [2], "the base: it has no settings here"
    assert world.store.ledger().trial is None


def test_what_hinders_is_told_once_in_a_reason(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    fleet.repository.files["timestamp.json"] = b"{}"
    for _ in range(2):
        assert not asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.why is not None
    assert world.control.why.code == "trust.malformed"
    assert world.control.reasons() == {"release_reason": world.control.why}
    assert [each.name for each in world.journal.notes()].count("release") == 1
    assert not world.store.ledger().filled


def run_until(world: World, done: Callable[[], bool], *, signed_at_us: int = 0) -> None:
    """Let the control run on its own until something is so."""

    async def running() -> None:
        asked = world.asking(signed_at_us=signed_at_us)
        task = asyncio.create_task(world.control.run(lambda: asked, lambda: True))
        async with asyncio.timeout(60):
            while not done():
                await asyncio.sleep(0.02)
        task.cancel()

    asyncio.run(running())


def test_a_clock_that_is_years_late_judges_by_the_signature_that_asks(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    world.clock.wall_us = 0
    run_until(world, lambda: "0.2.0" in world.control.here(), signed_at_us=fleet.job().now_us)
    assert world.control.why is None


def test_a_clock_that_is_years_ahead_takes_nothing_and_says_why(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    world.clock.wall_us *= 2
    run_until(world, lambda: world.control.why is not None)
    assert world.control.why is not None
    assert world.control.why.code == "trust.expired"
    assert world.control.here() == {BASE}


def test_a_release_that_is_not_here_is_brought_again_after_a_while(fleet: Fleet, state: Path) -> None:
    """What hinders is over: the next try, half a minute later, has it."""
    world = World(state, fleet)
    stolen = fleet.repository.files.pop("timestamp.json")
    assert not asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    fleet.repository.files["timestamp.json"] = stolen
    assert asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.why is None


def test_a_slot_that_was_damaged_is_filled_again_and_runs_from_the_next_start_on(
    fleet: Fleet, state: Path
) -> None:
    world = World(state, fleet)
    world.asked = ReleaseConfig(
        root_sha256=fleet.job().anchor_sha256, wanted="0.2.0", rate_kbit_per_s=100_000
    )
    run_until(world, lambda: world.control.why == reasons.release.at_next_start(name="0.2.0"))
    assert world.left == []
    World(state, fleet).control.settle("0.2.0", on_trial=False)
    assert world.store.ledger().good == "0.2.0"


def test_what_is_lacking_is_what_shall_run_before_what_shall_wait(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    both = ReleaseConfig(root_sha256="0" * 64, wanted="0.2.0", fetch="0.3.0")
    assert world.control.lacking(both) == "0.2.0"
    assert world.control.lacking(ReleaseConfig()) == BASE
    assert asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.lacking(both) == "0.3.0"


def test_a_release_that_crashes_once_it_was_good_is_given_up_until_it_is_wanted_anew(
    fleet: Fleet, state: Path
) -> None:
    world = World(state, fleet)
    assert asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.want("0.2.0", on_trial=False)
    assert [started(state)[0] for _ in range(GOOD_STARTS_LIMIT)] == ["0.2.0"] * GOOD_STARTS_LIMIT
    assert started(state) == [2], "the base: it has no settings here"
    base, wanted = World(state, fleet), ReleaseConfig(root_sha256="0" * 64, wanted="0.2.0")
    base.control.settle("0.2.0", on_trial=False)
    assert base.left == []
    assert base.control.why == reasons.release.crashed(name="0.2.0", starts=GOOD_STARTS_LIMIT)
    assert base.control.lacking(wanted) == BASE
    assert base.control.lacking(wanted, anew=True) == "0.2.0"


def test_what_is_wanted_and_not_here_stops_no_service(fleet: Fleet, state: Path) -> None:
    world = World(state, fleet)
    world.control.settle("0.9.0", on_trial=False)
    assert world.left == []
    assert str(world.control.why) == "release 0.9.0 is not on this gateway"


def test_the_names_of_the_environment_are_those_that_the_slot_reads() -> None:
    assert (RELEASE, LAUNCHER) == ("PASSERELLE_RELEASE", "PASSERELLE_LAUNCHER")
    assert RELEASE not in os.environ


def test_the_slot_that_runs_is_not_emptied_though_the_ledger_forgot_it(fleet: Fleet, state: Path) -> None:
    mine = ReleaseStore(state).slot("a") / "environment"
    mine.mkdir(parents=True)
    world = World(state, fleet, running="0.1.9", prefix=mine)
    assert not asyncio.run(world.control.bring(world.asking(), "0.2.0"))
    assert world.control.why == reasons.release.slot_needed(slot="a")
    assert mine.exists()
