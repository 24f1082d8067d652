"""Silent deafness on real processes: a gateway whose past says that it should hear climbs its ladder, once.

A learned past of 72,000 frames an hour makes the silence of some seconds strange; the chip stays well all the
time, so that nothing but the expectation can find it.  A GNSS receiver gives the trusted time that it needs.
"""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.hearing.expectation import Past
from agent.hearing.suspicion import Learned
from agent.supervisor.watch import Kept
from agent.wire.configuration import RadioConfig
from agent.wire.messages import Change, Noted
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import GnssReceiver
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Wanted

pytestmark = pytest.mark.soak
HEARD_OFTEN = Learned(frames=Past(means=(72_000.0,) * 24, days=(5,) * 24))


def recovery(subject: str, value: str, words: str = "") -> Wanted:
    def wanted(leaf: str, one: Any) -> bool:
        mine = leaf == "journal" and one.change is Change.RECOVERY
        return mine and (one.subject, one.value) == (subject, value) and words in str(one.why or "")

    return wanted


def suspected(state: str) -> Wanted:
    def wanted(leaf: str, one: Any) -> bool:
        mine = leaf == "event" and isinstance(one, Noted) and one.name == "hearing"
        return mine and one.fields["state"] == state and one.fields["ground"] == "silence"

    return wanted


def test_a_silence_against_the_own_past_climbs_the_ladder_once_and_a_frame_ends_it(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig, GnssLine(rig.chip, GnssReceiver()) as line:
        content = rig.content(radio=RadioConfig(gnss_device=line.path))
        rig.flash(
            rig.fleet.order(
                content,
                enrol_url=rig.enrolment.url,
                fleet_ca_pem=rig.authority.pem,
                bus=f"socket:{rig.folder / 'chip'}",
            )
        )
        rig.state.mkdir()
        (rig.state / "supervisor.json").write_bytes(msgspec.json.encode(Kept(learned=HEARD_OFTEN)))
        began = time.monotonic()
        rig.start()
        rig.wait(suspected("suspected"), since=began)
        rig.wait(recovery("restart_radio", "STARTED", "no frame for"), since=began)
        rig.wait(recovery("restart_process", "STARTED", "no frame for"), since=began)
        rig.wait(recovery("reboot", "FAILED", "no service manager"), since=began)
        told = [
            one.subject
            for _, leaf, one in rig.heard
            if leaf == "journal" and one.change is Change.RECOVERY and one.value == "STARTED"
        ]
        assert told == ["restart_radio", "restart_radio", "restart_process", "reboot"]
        rig.frames(3)
        kept = msgspec.json.decode((rig.state / "supervisor.json").read_bytes(), type=Kept)
        assert kept.budgets.reboot.tokens == 0
        assert rig.wait_delivered() == 0
