"""Filters frame by frame, waits before reconnecting, liveness of a connection."""

import pytest

from agent.connectors.backoff import LIMIT_US, LINK_US, SPREAD_US, STEADY_US, Backoff, wait_us
from agent.connectors.filters import filter_of
from agent.connectors.liveness import (
    ANSWER_MAX_US,
    GIVE_UP_AFTER_US,
    PROBE_AFTER_US,
    SILENT_AFTER_US,
    Liveness,
)
from agent.lorawan.phy import JoinRequest, encode_join_request
from agent.wire.configuration import FilterConfig
from tests.datapath.virtual import data_up, record


def join(join_eui: str) -> bytes:
    return encode_join_request(JoinRequest(join_eui=join_eui, dev_eui="00" * 8, dev_nonce=1, mic=bytes(4)))


REJOIN_0 = b"\xc0\x00" + bytes.fromhex("130000") + bytes(14)
REJOIN_1 = b"\xc0\x01" + bytes.fromhex("d07ed5b370000000")[::-1][::-1] + bytes(14)


@pytest.mark.parametrize(
    ("config", "payload", "passes"),
    [
        (FilterConfig(), b"junk", True),
        (FilterConfig(net_ids=("000013",)), data_up(0x26011BDA), True),
        (FilterConfig(net_ids=("000013",)), data_up(0x48000007), False),
        (FilterConfig(net_ids=("000013",)), data_up(0xFF000000), False),
        (FilterConfig(dev_addrs=("48000000/7",)), data_up(0x48000007), True),
        (FilterConfig(dev_addrs=("48000000/7",)), data_up(0x4A000007), False),
        (FilterConfig(dev_addrs=("00000000/0",)), data_up(0x4A000007), True),
        (FilterConfig(net_ids=("000013",), dev_addrs=("48000007/32",)), data_up(0x48000007), True),
        (FilterConfig(join_euis=("70b3d57ed0000000-70b3d57ed0ffffff",)), join("70b3d57ed00000dc"), True),
        (FilterConfig(join_euis=("70b3d57ed0000000-70b3d57ed0ffffff",)), join("70b3d57ed1000000"), False),
        (FilterConfig(join_euis=("70b3d57ed0000000-70b3d57ed0ffffff",)), data_up(), True),
        (FilterConfig(net_ids=("000013",)), REJOIN_0, True),
        (FilterConfig(net_ids=("000014",)), REJOIN_0, False),
        (FilterConfig(join_euis=("0000000000000000-0000000000000001",)), REJOIN_1, False),
        (FilterConfig(proprietary=False), b"\xe0maker", False),
        (FilterConfig(proprietary=False), b"", False),
        (FilterConfig(net_ids=("000013",)), b"\xe0maker", True),
        (FilterConfig(proprietary=False), data_up(), True),
    ],
)
def test_who_gets_what(config: FilterConfig, payload: bytes, passes: bool) -> None:
    assert filter_of(config).passes(record(1, payload)) is passes


@pytest.mark.parametrize(("uniform", "expected"), [(0.0, 0.8), (1.0, 1.2)])
def test_a_cut_link_is_tried_about_twice_a_second_for_ever(uniform: float, expected: float) -> None:
    backoff = Backoff(refusals=5)
    assert wait_us(backoff, refused=False, lasted_us=0, uniform=uniform) == (backoff, int(LINK_US * expected))


def test_refusals_spread_first_and_then_grow_to_a_limit() -> None:
    backoff, waits = Backoff(), []
    for _ in range(8):
        backoff, wait = wait_us(backoff, refused=True, lasted_us=0, uniform=1.0)
        waits.append(wait)
    assert waits[0] == SPREAD_US
    assert waits[1:4] == [10_000_000, 20_000_000, 40_000_000]
    assert waits[-1] == LIMIT_US
    assert wait_us(backoff, refused=True, lasted_us=STEADY_US, uniform=0.5)[1] == SPREAD_US // 2


def test_a_quiet_connection_is_probed_a_silent_one_left_alone_and_given_up() -> None:
    alive = Liveness()
    assert not alive.reachable(0)
    alive.opened(0)
    assert not alive.probe_due(PROBE_AFTER_US - 1)
    assert alive.probe_due(PROBE_AFTER_US)
    alive.asked(PROBE_AFTER_US)
    alive.asked(PROBE_AFTER_US + 5)
    assert not alive.probe_due(PROBE_AFTER_US + 5)
    assert alive.reachable(PROBE_AFTER_US + SILENT_AFTER_US - 1)
    assert not alive.reachable(PROBE_AFTER_US + SILENT_AFTER_US)
    assert not alive.lost(PROBE_AFTER_US + GIVE_UP_AFTER_US - 1)
    assert alive.lost(PROBE_AFTER_US + GIVE_UP_AFTER_US)
    alive.answered(PROBE_AFTER_US + GIVE_UP_AFTER_US)
    assert not alive.lost(10**9)


def test_up_lasts_30_seconds_after_the_last_answer() -> None:
    alive = Liveness()
    alive.opened(0)
    assert alive.up(ANSWER_MAX_US)
    assert not alive.up(ANSWER_MAX_US + 1)
    alive.closed()
    assert not alive.reachable(ANSWER_MAX_US)
