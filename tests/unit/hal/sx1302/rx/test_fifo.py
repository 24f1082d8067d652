"""FIFO bytes to packets: layout, one bad packet costs one packet, any bytes give packets or counts."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.sx1302.rx.fifo import (
    PACKET_LIMIT_BYTES,
    SYNC,
    Parsed,
    RawPacket,
    encode,
    lora_crc16,
    parse,
)

# eu868_corecell, rx_1_sf7_12B
RECORDED = bytes.fromhex("a5c00c007300340300030a11181f262d343b4249500026797700000020910444750091")

packets = st.builds(
    RawPacket,
    payload=st.binary(max_size=255),
    channel=st.integers(0, 8),
    modem=st.integers(0, 16),
    crc_present=st.booleans(),
    coding_rate=st.integers(0, 7),
    sf=st.integers(5, 12),
    frequency_error=st.integers(-(1 << 19), (1 << 19) - 1),
    crc_error=st.booleans(),
    sync_error=st.booleans(),
    header_error=st.booleans(),
    timing_set=st.booleans(),
    snr_quarters=st.integers(-128, 127),
    rssi_channel=st.integers(0, 255),
    rssi_signal=st.integers(0, 255),
    ticks=st.integers(0, (1 << 32) - 1),
    crc16=st.integers(0, 0xFFFF),
    metrics=st.lists(st.tuples(*[st.integers(-128, 127)] * 2), max_size=255).map(
        lambda pairs: tuple(metric for pair in pairs for metric in pair)
    ),
)


def simple(count: int = 4, *, channel: int = 0) -> RawPacket:
    return RawPacket(
        payload=bytes(range(1, count + 1)),
        channel=channel,
        modem=0,
        crc_present=True,
        coding_rate=1,
        sf=7,
        frequency_error=0,
        ticks=32,
    )


def test_a_recorded_packet() -> None:
    (packet,) = parse(RECORDED).packets

    assert packet.payload.hex() == "030a11181f262d343b424950"
    assert (packet.channel, packet.modem, packet.sf, packet.coding_rate) == (0, 0, 7, 1)
    assert packet.crc_present
    assert not packet.crc_error
    assert packet.frequency_error == 0x334
    assert (packet.snr_quarters, packet.rssi_channel, packet.rssi_signal) == (38, 121, 119)
    assert packet.ticks == 0x04912000
    assert packet.crc16 == lora_crc16(packet.payload) == 0x7544
    assert packet.metrics == ()


@given(packets)
def test_decode_inverts_encode(packet: RawPacket) -> None:
    assert parse(encode(packet)) == Parsed(packets=(packet,))


@settings(max_examples=30)
@given(st.lists(packets, max_size=5), st.integers(0, 10_000))
def test_any_cut_loses_nothing(several: list[RawPacket], cut: int) -> None:
    """A fetch that ends inside a packet keeps its beginning; the next one completes it."""
    data = b"".join(encode(packet) for packet in several)
    at = cut % (len(data) + 1)
    first = parse(data[:at])
    second = parse(first.rest + data[at:])

    assert first.packets + second.packets == tuple(several)
    assert len(first.rest) < PACKET_LIMIT_BYTES
    assert first.dropped_bytes == second.dropped_bytes == 0


@given(st.binary(max_size=2000))
def test_any_bytes_give_packets_or_counts(data: bytes) -> None:
    parsed = parse(data)
    in_packets = sum(len(encode(packet)) for packet in parsed.packets)

    assert in_packets + parsed.dropped_bytes + len(parsed.rest) == len(data)
    assert len(parsed.rest) <= PACKET_LIMIT_BYTES


@settings(max_examples=30)
@given(st.binary(max_size=300), st.lists(packets, min_size=1, max_size=4))
def test_a_packet_is_found_behind_rubbish(rubbish: bytes, several: list[RawPacket]) -> None:
    clean = rubbish.replace(SYNC, b"..").rstrip(b"\xa5")
    data = clean + b"".join(encode(packet) for packet in several)
    parsed = parse(data)

    assert parsed.packets == tuple(several)
    assert parsed.dropped_bytes == len(clean)


@pytest.mark.parametrize("position", range(3))
def test_one_bad_packet_costs_one_packet(position: int) -> None:
    several = [simple(10, channel=channel) for channel in range(3)]
    raw = [encode(packet) for packet in several]
    raw[position] = raw[position][:-1] + bytes((raw[position][-1] ^ 1,))

    parsed = parse(b"".join(raw))

    assert parsed.packets == tuple(packet for index, packet in enumerate(several) if index != position)
    assert parsed.checksum_bad == 1
    assert parsed.dropped_bytes == len(raw[position])


def test_a_lying_length_does_not_swallow_what_follows() -> None:
    bad = bytearray(encode(simple(4)))
    bad[2] = 255
    good = encode(simple(8))

    parsed = parse(bytes(bad) + good)

    assert parsed.packets == (simple(8),)
    assert parsed.dropped_bytes == len(bad)


@pytest.mark.parametrize("behind", [0, 1, 2])
def test_a_lying_length_that_ends_on_a_later_packet_swallows_none_before_it(behind: int) -> None:
    good = encode(simple(8))
    bad = bytearray(encode(simple(4)))
    bad[2] += len(good)
    tail = 9 + bad[2] + 12
    raw = bytes(bad) + good + encode(simple(6)) * behind
    assert raw[tail : tail + 1] == b"\0", "no metrics: the false packet ends where the good one does"

    parsed = parse(raw)

    assert parsed.packets == (simple(8), *[simple(6)] * behind)
    assert (parsed.checksum_bad, parsed.resynchronised, parsed.dropped_bytes) == (1, 1, len(bad))


def test_a_packet_of_true_length_and_bad_range_is_skipped_whole_whatever_its_payload_imitates() -> None:
    outer = bytearray(encode(replace(simple(), payload=encode(simple(8)))))
    outer[5] = 18
    outer[-1] = sum(outer[:-1]) & 0xFF

    parsed = parse(bytes(outer))

    assert (parsed.packets, parsed.range_bad, parsed.dropped_bytes) == ((), 1, len(outer))


@pytest.mark.parametrize(("offset", "value"), [(5, 18), (3, 10), (4, 4 << 4 | 1), (4, 13 << 4 | 1)])
def test_out_of_range_metadata_costs_one_packet(offset: int, value: int) -> None:
    raw = bytearray(encode(simple()))
    raw[offset] = value
    raw[-1] = sum(raw[:-1]) & 0xFF

    parsed = parse(bytes(raw) + encode(simple(8)))

    assert parsed.packets == (simple(8),)
    assert parsed.range_bad == 1


@pytest.mark.parametrize(("size", "expected"), [(0, 0x0000), (1, 0x0001), (2, 0x0102)])
def test_the_crc_of_the_shortest_payloads(size: int, expected: int) -> None:
    assert lora_crc16(bytes(range(1, size + 1))) == expected


@pytest.mark.parametrize("longer", range(1, 21))
def test_a_length_byte_that_grew_costs_its_own_packet_only(longer: int) -> None:
    """The refused packet then ends amid the next one, which is found again at its sync word."""
    damaged = bytearray(encode(simple(8)))
    damaged[2] += longer
    following = [simple(20, channel=1), simple(30, channel=2)]
    parsed = parse(bytes(damaged) + b"".join(map(encode, following)))
    assert list(parsed.packets) == following
    assert parsed.dropped_bytes == len(damaged)
