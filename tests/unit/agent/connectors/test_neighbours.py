"""Stored frames that the LNS has through a neighbour are kept back; without the fleet's word all leave."""

import pytest

from agent.connectors.delivery import Delivery
from agent.connectors.rules import NEIGHBOURS_WAIT_US, DeliveryRules
from agent.lorawan.phy import DataUp, encode_data, parse_phy
from agent.wire.messages import MESSAGE_LIMIT_BYTES, WireError, encode
from agent.wire.neighbours import (
    DEVICES_LIMIT,
    NEIGHBOUR_DELIVERED,
    CounterSpan,
    DeviceFrames,
    NeighbourDeliveries,
    decode_neighbours,
)
from tests.datapath.line import Line
from tests.datapath.virtual import record

ADDRESS, OTHER = 0x26000001, 0x26000002
SPARING = DeliveryRules(spare_delivered=True)


def frame(counter: int, address: int = ADDRESS) -> bytes:
    return encode_data(DataUp(dev_addr=address, fcnt=counter, fport=1, frm_payload=b"x"))


def word(*spans: tuple[int, int], address: int = ADDRESS) -> NeighbourDeliveries:
    device = DeviceFrames(f"{address:08x}", tuple(CounterSpan(*span) for span in spans))
    return NeighbourDeliveries(0, (device,))


def cut(rules: DeliveryRules, frames: list[bytes]) -> Line:
    """A line that comes back with these frames stored."""
    line = Line(rules=rules)
    line.notice(reachable=False)
    for payload in frames:
        line.hear(payload)
        line.run(1_000_000)
    line.run(5_000_000)
    line.notice(reachable=True)
    return line


def arrived(line: Line) -> list[tuple[int, int]]:
    frames = [parse_phy(sent.payload) for _, sent in line.arrived]
    return [(one.dev_addr, one.fcnt) for one in frames if isinstance(one, DataUp)]


def test_what_a_neighbour_delivered_is_kept_back_and_the_rest_is_delivered_in_order() -> None:
    line = cut(SPARING, [frame(counter) for counter in range(10)] + [frame(3, OTHER)])
    line.run(30_000_000)
    assert line.sent == []
    line.delivery.neighbours.answered(word((0, 1), (4, 6)))
    line.run(30_000_000)
    assert [counter for address, counter in arrived(line) if address == ADDRESS] == [2, 3, 7, 8, 9]
    assert [counter for address, counter in arrived(line) if address == OTHER] == [3]
    assert line.dropped == dict.fromkeys([1, 2, 5, 6, 7], NEIGHBOUR_DELIVERED)
    assert (line.delivery.queued, line.stored) == (0, {})


def test_a_second_word_adds_to_the_first_and_names_data_frames_only() -> None:
    line = Line(rules=SPARING)
    neighbours = line.delivery.neighbours
    neighbours.answered(word((0, 1)))
    neighbours.answered(word((7, 7), address=OTHER))
    known = [(3, ADDRESS), (1, ADDRESS), (7, OTHER), (1, OTHER)]
    delivered = [neighbours.delivered(record(1, frame(counter, address))) for counter, address in known]
    assert delivered == [False, True, True, False]


def test_without_the_word_of_the_fleet_all_is_delivered_in_the_end_and_it_is_counted() -> None:
    line = cut(SPARING, [frame(counter) for counter in range(3)])
    line.run(NEIGHBOURS_WAIT_US - 1_000_000)
    assert line.sent == []
    line.run(5_000_000)
    assert arrived(line) == [(ADDRESS, 0), (ADDRESS, 1), (ADDRESS, 2)]
    assert line.delivery.counts["neighbours_unknown"] == 1


def test_a_word_that_comes_too_late_spares_what_still_waits() -> None:
    line = cut(SPARING, [frame(counter) for counter in range(5)])
    line.run(NEIGHBOURS_WAIT_US + 700_000)
    sent = len(line.sent)
    assert 0 < sent < 5
    line.delivery.neighbours.answered(word((0, 4)))
    line.run(10_000_000)
    assert len(line.sent) == sent
    assert line.delivery.queued == 0


def test_what_was_known_is_forgotten_with_the_next_outage() -> None:
    line = cut(SPARING, [frame(0)])
    line.delivery.neighbours.answered(word((0, 9)))
    line.run(1_000_000)
    line.notice(reachable=False)
    line.hear(frame(5))
    line.run(5_000_000)
    line.notice(reachable=True)
    line.run(1_000_000)
    assert line.sent == []
    line.delivery.neighbours.answered(word())
    line.run(1_000_000)
    assert arrived(line) == [(ADDRESS, 5)]


def test_a_link_that_falters_again_does_not_forget_what_was_known() -> None:
    line = cut(SPARING, [frame(counter) for counter in range(3)])
    line.delivery.neighbours.answered(word((0, 1)))
    line.notice(reachable=False)
    line.notice(reachable=True)
    line.run(NEIGHBOURS_WAIT_US + 5_000_000)
    assert arrived(line) == [(ADDRESS, 2)]


def test_who_comes_back_without_stored_frames_waits_for_nobody() -> None:
    line = cut(SPARING, [])
    line.hear(frame(1))
    line.run(100_000)
    assert arrived(line) == [(ADDRESS, 1)]
    assert line.delivery.counts["neighbours_unknown"] == 0


@pytest.mark.parametrize("rules", [DeliveryRules(), DeliveryRules(spare_delivered=True, replay=False)])
def test_without_the_policy_the_word_changes_nothing(rules: DeliveryRules) -> None:
    line = cut(rules, [frame(counter) for counter in range(3)])
    line.delivery.neighbours.answered(word((0, 9)))
    line.run(10_000_000)
    delivered = len(line.arrived), list(line.dropped.values())
    assert delivered == ((3, []) if rules.replay else (0, ["replay_off"] * 3))


def test_a_message_is_read_and_one_beyond_its_limits_is_refused() -> None:
    whole = NeighbourDeliveries(5, tuple(DeviceFrames(f"{n:08x}", (CounterSpan(1, 2),)) for n in range(2000)))
    assert len(whole.devices) == DEVICES_LIMIT
    assert decode_neighbours(encode(whole)) == whole
    beyond = NeighbourDeliveries(5, (*whole.devices, DeviceFrames("000000ff", ())))
    for payload in (
        encode(beyond),
        bytes(MESSAGE_LIMIT_BYTES + 1),
        b"\xff",
        encode(NeighbourDeliveries(5, (DeviceFrames("X", ()),))),
        encode(NeighbourDeliveries(5, (DeviceFrames("0000000f", (CounterSpan(1, 65_536),)),))),
    ):
        with pytest.raises(WireError, match="neighbours"):
            decode_neighbours(payload)


def test_a_frame_of_a_shared_address_is_kept_back_by_its_counter_only() -> None:
    delivery = Delivery(SPARING)
    delivery.link(reachable=True)
    delivery.neighbours.answered(word((7, 7)))
    assert delivery.neighbours.delivered(record(1, frame(7)))
    assert not delivery.neighbours.delivered(record(2, frame(8)))
    assert not delivery.neighbours.delivered(record(3, frame(7, OTHER)))
