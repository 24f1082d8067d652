"""A real agent on a twin is given three releases over a real line; only the one that hears stays.

The launcher, the slots, the broker and the radio's bus are real; the fleet that confirms is its own rule.
"""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.status.status import ask_status
from agent.wire.configuration import ReleaseConfig
from agent.wire.envelope import decode_envelope
from agent.wire.messages import ConfigState
from fleet.configurations.rules import Trial, proves_release, should_confirm
from tests.controlpath.releases import CRASHES, GOOD, HEARS_NOTHING, SignedReleases
from tests.controlpath.rig import Rig
from tests.controlpath.virtual import EUI

DEAF_TRIAL_S = 5
"""How long the one that hears nothing may go on; who hears has all the time that a busy machine takes."""


class Fleet:
    """Sends a release, lets frames arrive, and confirms by the rule of the fleet."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.releases = SignedReleases(rig.folder / "releases", rig.enrolment.files)
        self.releases.add("1-crashes", CRASHES)
        self.releases.add("2-deaf", HEARS_NOTHING)
        self.releases.add("3-good", GOOD)
        self._ended = threading.Event()
        threading.Thread(target=self._air, daemon=True).start()

    def close(self) -> None:
        self._ended.set()

    def give(self, name: str, trial_s: int = 120) -> Any:
        """Send a release and return what the gateway reports of it in the end."""
        began = time.monotonic()
        release = self.releases.wanted(name, trial_s=trial_s)
        self.rig.push(self.rig.content(release=release))
        version, sha256 = self.rig.version, decode_envelope(self._newest(release)).sha256
        trial = Trial(eui=EUI, version=version, sha256=sha256, issued_at_us=0, confirmed_at_us=None)

        def proved(leaf: str, one: Any) -> bool:
            return leaf == "health" and bool(should_confirm(trial, one, 1, 1)) and proves_release(one)

        def settled(leaf: str, one: Any) -> bool:
            ends = (ConfigState.CONFIRMED, ConfigState.ROLLED_BACK, ConfigState.REFUSED)
            return leaf == "config/reported" and one.seen_version == version and one.state in ends

        self.rig.wait(lambda leaf, one: proved(leaf, one) or settled(leaf, one), since=began)
        if self.rig.found[0] == "health":
            self.confirm(sha256)
            self.rig.wait(settled, since=began)
        return self.rig.found[1]

    def confirm(self, sha256: str) -> None:
        rig = self.rig
        rig.word += 1
        rig.command(rig.fleet.confirmation(rig.word, sha256), f"confirm-{rig.word}")

    def _newest(self, release: ReleaseConfig) -> bytes:
        return self.rig.fleet.configuration(self.rig.version, self.rig.content(release=release))

    def _air(self) -> None:
        while not self._ended.wait(0.3):
            self.rig.frames(1)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    rig = Rig(tmp_path)
    rig.verb, rig.restart_s = "start", 0.2
    with rig:
        rig.start()
        rig.wait_serving(time.monotonic())
        made = Fleet(rig)
        yield made
        made.close()


@pytest.mark.slow
def test_three_releases(fleet: Fleet) -> None:
    crashed = fleet.give("1-crashes")
    assert (crashed.state, crashed.version) == (ConfigState.ROLLED_BACK, 1)
    assert "release 1-crashes does not run at this start" in str(crashed.why)
    assert fleet.rig.restarts >= 3

    deaf = fleet.give("2-deaf", DEAF_TRIAL_S)
    assert (deaf.state, deaf.version) == (ConfigState.ROLLED_BACK, 1)
    assert f"did not confirm it within {DEAF_TRIAL_S} s" in str(deaf.why)

    good = fleet.give("3-good")
    assert (good.state, good.version) == (ConfigState.CONFIRMED, 4)
    shown = ask_status(fleet.rig.state)
    assert shown is not None
    assert shown.release.fields["release"] == "3-good"
    assert "release_trial" not in shown.release.fields
    fleet.rig.wait_serving(time.monotonic())
