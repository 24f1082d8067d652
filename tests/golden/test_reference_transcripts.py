"""Our driver on the virtual chip, against what the reference HAL did with the same configurations."""

from pathlib import Path

import pytest

from hal.ports import Bus
from hal.transcript.compare import Memory, differences
from hal.transcript.golden import Golden, read_golden
from hal.transcript.runner import replay
from hal.twin.chip import VirtualChip
from hal.usb.bridge import UsbBridge
from tests.golden.files import TRANSCRIPTS, unpacked
from tests.unit.hal.usb.test_bridge import McuLine

START_TRANSACTIONS_LIMIT = 185
START_SLEEPS_LIMIT_US = 700_000


@pytest.fixture(params=TRANSCRIPTS)
def golden(request: pytest.FixtureRequest, tmp_path: Path) -> Golden:
    return read_golden(unpacked(f"transcripts/{request.param}.golden.json", tmp_path))


def test_same_as_the_reference(golden: Golden) -> None:
    assert differences(golden, replay(golden)) == []


def over_usb(chip: VirtualChip) -> tuple[Bus, Bus]:
    bridge = UsbBridge(McuLine(chip))
    bridge.reset()
    return bridge, bridge.sx1261


def test_the_same_behind_the_usb_bridge(golden: Golden) -> None:
    assert differences(golden, replay(golden, through=over_usb)) == []


def test_half_the_traffic_of_the_reference(golden: Golden) -> None:
    memory = Memory()
    costs = {}
    for phase, ours in zip(golden.phases, replay(golden), strict=True):
        memory.follow(ours.lines)
        costs[phase.name] = memory.transactions
        if phase.name == "start" and not any(text.startswith("L") for text in phase.expected["radio"]):
            assert memory.transactions <= START_TRANSACTIONS_LIMIT
            assert memory.slept_us <= START_SLEEPS_LIMIT_US
        if phase.fifo == b"":
            assert memory.transactions <= 2
    assert costs.get("rx_1_sf7_12B", 0) <= 5
    assert costs.get("rx_16_mixed", 0) <= 6
    listening = (
        10 if golden.configuration["SX130x_conf"].get("sx1261_conf", {}).get("lbt", {}).get("enable") else 0
    )
    assert costs.get("send_lora_timestamped", 0) <= 12 + listening, "ten more set the listening radio up"
