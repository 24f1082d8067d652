import pytest

from agent.evidence.ears import ReferenceEar
from agent.observation import HEARD_BEFORE, PERIODS_MISSED, ReferenceState
from agent.wire.configuration import ReferenceConfig

PERIOD_S = 60
CONFIG = ReferenceConfig(dev_addr="2600abcd", period_s=PERIOD_S)
LIMIT_US = PERIODS_MISSED * PERIOD_S * 1_000_000


def state(frames: int = HEARD_BEFORE) -> ReferenceState:
    return ReferenceState(dev_addr="2600abcd", period_s=PERIOD_S, frames=frames, received_at_us=0)


@pytest.mark.parametrize(
    ("frames", "now_us", "since_us", "suspected"),
    [
        (HEARD_BEFORE, LIMIT_US - 1, 0, False),
        (HEARD_BEFORE, LIMIT_US, 0, True),
        (HEARD_BEFORE - 1, 100 * LIMIT_US, 0, False),
        (HEARD_BEFORE, LIMIT_US, 1_000_000, False),
        (HEARD_BEFORE, LIMIT_US + 1_000_000, 1_000_000, True),
    ],
)
def test_three_periods_of_silence_are_strange(
    frames: int, now_us: int, since_us: int, suspected: bool
) -> None:
    assert bool(state(frames).suspicion(now_us, since_us)) is suspected


def test_only_the_sensor_of_the_configuration_counts() -> None:
    ear = ReferenceEar(CONFIG)
    ear.frame_received(0x2600ABCD, 5)
    ear.frame_received(0x2600ABCE, 9)
    told = ear.state()
    assert told is not None
    assert (told.frames, told.received_at_us) == (1, 5)
    ear.reconfigure(CONFIG)
    assert ear.state() == told
    ear.reconfigure(ReferenceConfig(dev_addr="2600abce"))
    other = ear.state()
    assert other is not None
    assert (other.dev_addr, other.frames) == ("2600abce", 0)


def test_without_one_nothing_is_judged() -> None:
    ear = ReferenceEar(ReferenceConfig())
    ear.frame_received(0, 5)
    assert ear.state() is None
