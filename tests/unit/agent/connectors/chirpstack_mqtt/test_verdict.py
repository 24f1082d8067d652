"""The broker's reason codes and the server behind it: the whole table, and the ways back."""

import pytest

from agent.connectors.chirpstack_mqtt.verdict import (
    HOLD_US,
    PROVE_AFTER_US,
    PROVE_DOWN_US,
    ServerVerdict,
    Topic,
)
from agent.connectors.liveness import ANSWER_MAX_US
from agent.wire import reasons
from agent.wire.reasons import Reason

T0 = 1_000_000_000
UNHEARD = reasons.lns.no_subscriber()


def proved() -> ServerVerdict:
    verdict = ServerVerdict()
    verdict.opened()
    verdict.probed(T0)
    verdict.answered(Topic.STATS, 0, "Success", T0)
    return verdict


def forbidden(topic: Topic) -> Reason:
    return reasons.lns.topic_refused(topic=topic, mqtt_code="0x87", detail="Not authorized")


@pytest.mark.parametrize(
    ("topic", "code", "up", "sends", "reason"),
    [
        (Topic.UP, 0x00, True, True, None),
        (Topic.UP, 0x0F, True, True, None),
        (Topic.UP, 0x10, False, False, UNHEARD),
        (Topic.UP, 0x11, True, True, None),
        (Topic.UP, 0x7F, True, True, None),
        (Topic.UP, 0x87, False, False, forbidden(Topic.UP)),
        (Topic.STATS, 0x00, True, True, None),
        (Topic.STATS, 0x10, False, False, UNHEARD),
        (Topic.STATS, 0x87, False, False, forbidden(Topic.STATS)),
        (Topic.CONN, 0x00, True, True, None),
        (Topic.CONN, 0x10, True, True, None),
        (Topic.CONN, 0x87, False, True, forbidden(Topic.CONN)),
        (Topic.COMMANDS, 0x01, True, True, None),
        (Topic.COMMANDS, 0x87, False, True, forbidden(Topic.COMMANDS)),
        (Topic.ACK, 0x10, True, True, None),
        (Topic.ACK, 0x87, True, True, None),
        (Topic.EXEC, 0x87, True, True, None),
    ],
)
def test_table(topic: Topic, code: int, up: bool, sends: bool, reason: Reason | None) -> None:
    verdict = proved()
    verdict.answered(topic, code, "Not authorized", T0 + 1)
    assert (verdict.up(T0 + 1), verdict.sends(T0 + 1), verdict.reason) == (up, sends, reason)


def test_a_broker_that_answers_for_itself_proves_no_server() -> None:
    verdict = ServerVerdict()
    verdict.opened()
    for topic in (Topic.CONN, Topic.COMMANDS):
        verdict.answered(topic, 0, "Success", T0)
    assert not verdict.up(T0)
    assert not verdict.sends(T0)
    assert verdict.probe_due(T0)


def test_every_connection_must_prove_the_server_anew_before_frames_leave() -> None:
    verdict = proved()
    verdict.opened()
    assert verdict.up(T0 + 1)
    assert not verdict.sends(T0 + 1)
    assert verdict.probe_due(T0 + 1)
    verdict.probed(T0 + 1)
    verdict.answered(Topic.STATS, 0, "Success", T0 + 2)
    assert verdict.sends(T0 + 2)


def test_up_lasts_30_seconds_after_the_last_event_that_was_taken() -> None:
    verdict = proved()
    assert verdict.up(T0 + ANSWER_MAX_US)
    assert not verdict.up(T0 + ANSWER_MAX_US + 1)


def test_a_quiet_server_is_probed_before_ten_seconds_and_a_missing_one_every_two() -> None:
    verdict = proved()
    assert not verdict.probe_due(T0 + PROVE_AFTER_US - 1)
    assert verdict.probe_due(T0 + PROVE_AFTER_US)
    verdict.answered(Topic.UP, 0, "Success", T0 + 5)
    assert not verdict.probe_due(T0 + PROVE_AFTER_US)
    verdict.probed(T0 + PROVE_AFTER_US + 5)
    later_us = T0 + PROVE_AFTER_US + 6
    verdict.answered(Topic.STATS, 0x10, "No matching subscribers", later_us)
    assert not verdict.probe_due(later_us + PROVE_DOWN_US - 2)
    assert verdict.probe_due(later_us + PROVE_DOWN_US - 1)


def test_a_probe_that_is_taken_brings_frames_back_at_once() -> None:
    verdict = proved()
    verdict.answered(Topic.UP, 0x10, "No matching subscribers", T0 + 1)
    verdict.answered(Topic.STATS, 0x10, "No matching subscribers", T0 + 2)
    verdict.answered(Topic.STATS, 0, "Success", T0 + 3)
    assert verdict.up(T0 + 3)
    assert verdict.sends(T0 + 3)


def test_a_subscriber_to_statistics_alone_does_not_make_the_server_flap() -> None:
    verdict = proved()
    verdict.answered(Topic.UP, 0x10, "No matching subscribers", T0 + 1)
    verdict.answered(Topic.STATS, 0, "Success", T0 + 2)
    assert not verdict.up(T0 + 2)
    assert not verdict.sends(T0 + HOLD_US)
    assert verdict.sends(T0 + 1 + HOLD_US)
    verdict.answered(Topic.UP, 0, "Success", T0 + 3 + HOLD_US)
    assert verdict.up(T0 + 3 + HOLD_US)


def test_a_refusal_of_frames_outlives_statistics_that_are_taken() -> None:
    verdict = proved()
    verdict.answered(Topic.UP, 0x87, "Not authorized", T0 + 1)
    verdict.answered(Topic.STATS, 0, "Success", T0 + 2)
    assert not verdict.up(T0 + 2)
    assert not verdict.sends(T0 + HOLD_US)
    assert verdict.sends(T0 + 1 + HOLD_US)


def test_a_refused_subscription_is_asked_again_and_forgiven() -> None:
    verdict = proved()
    verdict.answered(Topic.COMMANDS, 0x87, "Not authorized", T0 + 1)
    assert verdict.refused(Topic.COMMANDS)
    assert verdict.probe_due(T0 + PROVE_DOWN_US)
    verdict.answered(Topic.COMMANDS, 1, "Granted QoS 1", T0 + 2)
    assert not verdict.refused(Topic.COMMANDS)
    assert verdict.up(T0 + 2)


def test_the_gravest_refusal_is_the_reason() -> None:
    verdict = proved()
    verdict.answered(Topic.STATS, 0x10, "No matching subscribers", T0 + 1)
    verdict.answered(Topic.COMMANDS, 0x87, "Not authorized", T0 + 2)
    assert verdict.reason == UNHEARD
