"""Classes A, B and C through each protocol, to sensors that listen in their windows only."""

from pathlib import Path
from typing import Any

import pytest

from agent.downlink.beacon import PERIOD_US, next_beacon_us
from agent.downlink.model import AtCounter, Code, Downlink
from hal.packets import Lora
from hal.units import Hz
from tests.datapath.exchange import PAYLOAD, PROTOCOLS, Air, Wish
from tests.datapath.windows import BEACON_RESERVED_US, SLOT_US, Window, always, beacon, ping_slot, rx1, rx2

RX1 = (868_100_000, 7, 1_000_000)
RX2 = (869_525_000, 12, 2_000_000)
SECOND_US = 1_000_000
each_protocol = pytest.mark.parametrize("protocol", sorted(PROTOCOLS))


def heard(air: Air, window: Window) -> list[bytes]:
    return [sent.payload for sent in air.sent if window.hears(sent)]


def last_word(air: Air, protocol: str) -> Any:
    """What the server was told, as simply as each protocol says that all is well."""
    told = air.acknowledged[-1]
    match protocol:
        case "semtech_udp":
            return told == b""
        case "chirpstack_mqtt":
            return told[-1] == "OK"
        case _:
            return told["msgtype"] == "dntxed"


@each_protocol
@pytest.mark.parametrize(("alternatives", "window"), [([RX1], rx1), ([RX2], rx2), ([RX1, RX2], rx1)])
def test_class_a_is_heard_in_its_window(
    tmp_path: Path, protocol: str, alternatives: list[tuple[int, int, int]], window: Any
) -> None:
    air = Air(tmp_path)
    ended_us = air.clock.now_us
    PROTOCOLS[protocol](air, Wish(alternatives=alternatives))
    told_at_enqueue = len(air.acknowledged)
    air.run(4 * SECOND_US)
    assert heard(air, window(ended_us)) == [PAYLOAD]
    assert len(air.sent) == 1, "one alternative is sent, not both"
    assert heard(air, window(ended_us - SECOND_US)) == [], (
        "a sensor that listens a second early hears nothing"
    )
    assert told_at_enqueue == (protocol == "semtech_udp"), "UDP tells at enqueue, the others after emission"
    assert last_word(air, protocol)


@each_protocol
def test_a_taken_rx1_leads_to_rx2(tmp_path: Path, protocol: str) -> None:
    air = Air(tmp_path)
    ended_us = air.clock.now_us
    other = Downlink(
        payload=b"\x60other",
        modulation=Lora(sf=7),
        frequency_hz=Hz(868_300_000),
        timing=AtCounter(ended_us + SECOND_US, 1),
        power_dbm=14,
    )
    assert air.submit(other).code is Code.OK
    PROTOCOLS[protocol](air, Wish(alternatives=[RX1, RX2]))
    air.run(4 * SECOND_US)
    assert heard(air, rx1(ended_us)) == []
    assert heard(air, rx2(ended_us)) == [PAYLOAD]
    assert last_word(air, protocol)
    if protocol == "chirpstack_mqtt":
        assert air.acknowledged == [["COLLISION_PACKET", "OK"]], "the gateway itself tried RX2"
    elif protocol == "semtech_udp":
        assert air.acknowledged == [b'{"txpk_ack":{"error":"COLLISION_PACKET"}}', b""]
    else:
        assert [(told["Freq"], told["DR"]) for told in air.acknowledged] == [(869_525_000, 0)]


@each_protocol
@pytest.mark.parametrize("slot", [100, 1000, 4095 - 60])
def test_class_b_is_heard_in_its_ping_slot_and_so_is_the_beacon(
    tmp_path: Path, protocol: str, slot: int
) -> None:
    period_us = 11_000_000 * PERIOD_US
    air = Air(tmp_path, gps_us=period_us - 5 * SECOND_US)
    beacon_us = air.clock.now_us + 5 * SECOND_US
    gps_us = period_us + BEACON_RESERVED_US + slot * SLOT_US
    air.run(6 * SECOND_US)
    PROTOCOLS[protocol](air, Wish(gps_us=gps_us))
    air.run(PERIOD_US)
    frames = heard(air, beacon(beacon_us + 1_500))
    assert len(frames) == 1
    assert next_beacon_us(period_us - 1) == period_us + 1_500
    assert heard(air, ping_slot(beacon_us, slot)) == [PAYLOAD]
    assert heard(air, ping_slot(beacon_us, slot - 1)) == []
    assert last_word(air, protocol)
    if protocol == "basics_station":
        emitted_us = air.acknowledged[0]["xtime"] & ((1 << 48) - 1)
        assert emitted_us == beacon_us + BEACON_RESERVED_US + slot * SLOT_US, "reported when it was sent"


@each_protocol
def test_class_b_in_the_beacons_guard_time_or_without_gps_is_refused(tmp_path: Path, protocol: str) -> None:
    period_us = 11_000_000 * PERIOD_US
    air = Air(tmp_path, gps_us=period_us - 5 * SECOND_US)
    air.run(SECOND_US)
    PROTOCOLS[protocol](air, Wish(gps_us=period_us - SECOND_US))
    blind = Air(tmp_path / "blind")
    PROTOCOLS[protocol](blind, Wish(gps_us=period_us))
    words = {
        "semtech_udp": [
            b'{"txpk_ack":{"error":"COLLISION_BEACON"}}',
            b'{"txpk_ack":{"error":"GPS_UNLOCKED"}}',
        ],
        "chirpstack_mqtt": [["COLLISION_BEACON"], ["GPS_UNLOCKED"]],
        "basics_station": [],
    }
    assert air.acknowledged + blind.acknowledged == words[protocol], "silence is Basics Station's no"
    air.run(8 * SECOND_US)
    assert [sent.implicit_header for sent in air.sent] == [True], "the beacon alone leaves"


@each_protocol
def test_class_c_is_heard_at_any_time(tmp_path: Path, protocol: str) -> None:
    air = Air(tmp_path)
    since_us = air.clock.now_us
    PROTOCOLS[protocol](air, Wish(immediate=True))
    air.run(SECOND_US)
    assert heard(air, always(since_us)) == [PAYLOAD]
    assert heard(air, always(air.clock.now_us)) == []
    assert last_word(air, protocol)
