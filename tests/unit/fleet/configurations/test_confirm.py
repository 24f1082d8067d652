"""The whole table of when a configuration is confirmed."""

from dataclasses import replace

import pytest

from agent.wire.messages import ConfigState, ConnectorBeat, Radio
from fleet.configurations.rules import CONFIRM_AGAIN_US, ConfirmReason, Trial, should_confirm
from tests.unit.fleet.founded import NOW_US, heartbeat

TRIAL = Trial(eui="a", version=4, sha256="aa", issued_at_us=NOW_US, confirmed_at_us=None)
CONFIRMED = Trial(eui="a", version=4, sha256="aa", issued_at_us=NOW_US, confirmed_at_us=NOW_US + 10)
GOOD = heartbeat(config_version=4)
FIRST, AGAIN = ConfirmReason.PROVED, ConfirmReason.STILL_ON_TRIAL


def reported(state, version=4):
    return {"reported_state": state, "reported_version": version}


@pytest.mark.parametrize(
    ("trial", "beat", "beat_at", "report", "now", "why"),
    [
        (TRIAL, GOOD, 1, None, 2, FIRST),
        (TRIAL, GOOD, 1, reported(ConfigState.TRIAL), 2, FIRST),
        (TRIAL, GOOD, 0, None, 2, None),
        (TRIAL, None, None, None, 2, None),
        (TRIAL, heartbeat(config_version=3), 1, None, 2, None),
        (TRIAL, heartbeat(config_version=4, radio=Radio.DEAF), 1, None, 2, None),
        (TRIAL, heartbeat(config_version=4, radio=Radio.OFF), 1, None, 2, None),
        (TRIAL, heartbeat(config_version=4, connectors=()), 1, None, 2, None),
        (TRIAL, heartbeat(config_version=4, connectors=(ConnectorBeat("lns", False, 9),)), 1, None, 2, None),
        (CONFIRMED, GOOD, 1, None, 10 + CONFIRM_AGAIN_US, None),
        (CONFIRMED, GOOD, 1, reported(ConfigState.TRIAL), 10 + CONFIRM_AGAIN_US - 1, None),
        (CONFIRMED, GOOD, 1, reported(ConfigState.TRIAL), 10 + CONFIRM_AGAIN_US, AGAIN),
        (CONFIRMED, GOOD, 1, reported(ConfigState.TRIAL, version=3), 10 + CONFIRM_AGAIN_US, None),
        (CONFIRMED, GOOD, 1, reported(ConfigState.CONFIRMED), 10 + CONFIRM_AGAIN_US, None),
        (CONFIRMED, GOOD, 1, reported(ConfigState.ROLLED_BACK), 10 + CONFIRM_AGAIN_US, None),
    ],
)
def test_table(trial, beat, beat_at, report, now, why):
    at_us = None if beat_at is None else NOW_US + beat_at
    trial = replace(trial, **(report or {}))
    assert should_confirm(trial, beat, at_us, NOW_US + now) is why
