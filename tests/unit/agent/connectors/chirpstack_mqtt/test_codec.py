"""Our codec of ChirpStack's gateway API against the official one, byte for byte and both ways."""

from collections.abc import Callable

import pytest
from chirpstack_api.common import common_pb2 as common
from chirpstack_api.gw import gw_pb2 as gw
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.chirpstack_mqtt import events
from agent.connectors.chirpstack_mqtt.commands import ITEMS_LIMIT, CommandError, parse_downlink, read_exec_id
from agent.connectors.chirpstack_mqtt.context import ContextError, decode_context, encode_context
from agent.connectors.chirpstack_mqtt.events import STATUS_OF, TxAckStatus
from agent.connectors.chirpstack_mqtt.protobuf import ProtobufError, fields, read_span, span
from agent.connectors.chirpstack_mqtt.statistics import Statistics
from agent.connectors.reception import Reception
from agent.downlink.model import AtCounter, AtGps, BandLoad, Code, Immediate
from agent.observation import Position
from agent.timing.utc import utc_of_gps
from agent.wire.messages import TimeQuality
from hal.airtime import lora_us, symbol_us
from hal.packets import Fsk, Lora
from tests.datapath.virtual import JUNE_2024_US, data_up, record

EUI = "0016c001f12a3b4c"
AT = Reception(utc_us=JUNE_2024_US + 123_456, quality=TimeQuality.NTP, age_us=61_000_000)


def official(payload: bytes, late: bool, fsk: bool, fine_ns: int | None) -> gw.UplinkFrame:
    frame = gw.UplinkFrame(phy_payload=payload)
    frame.tx_info.frequency = 868_100_000
    if fsk:
        frame.tx_info.modulation.fsk.datarate = 50_000
    else:
        frame.tx_info.modulation.lora.bandwidth = 125_000
        frame.tx_info.modulation.lora.spreading_factor = 7
        frame.tx_info.modulation.lora.code_rate = gw.CR_4_5
    info = frame.rx_info
    info.gateway_id, info.uplink_id = EUI, 5
    info.gw_time.FromMicroseconds(AT.utc_us)
    gps_us = AT.utc_us - 315_964_800_000_000 + 18_000_000
    info.time_since_gps_epoch.FromMicroseconds(gps_us)
    if fine_ns is not None and not fsk:
        info.fine_time_since_gps_epoch.seconds = gps_us // 1_000_000
        info.fine_time_since_gps_epoch.nanos = fine_ns
    info.rssi, info.snr, info.channel = -80 if fsk else -82, 7.25, 2
    info.context = encode_context(77, 9)
    info.metadata["time_quality"] = "ntp"
    if late:
        info.metadata["late"] = "1"
        info.metadata["hold_ms"] = "61000"
        info.metadata["stored_seq"] = "5"
    info.crc_status = gw.CRC_OK
    return frame


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("fsk", [False, True])
@pytest.mark.parametrize("fine_ns", [None, 123_456_789])
def test_uplinks_are_the_official_bytes(late: bool, fsk: bool, fine_ns: int | None) -> None:
    changes: dict[str, object] = {"counter_us": 77, "session": 9, "fine_ns": fine_ns}
    if fsk:
        changes |= {"sf": 0, "rate": 50_000}
    ours = events.uplink(record(5, data_up(), **changes), AT, EUI, late=late)
    expected = official(data_up(), late, fsk, fine_ns)
    assert ours == expected.SerializeToString(deterministic=True)
    assert gw.UplinkFrame.FromString(ours) == expected


@pytest.mark.parametrize("fine_ns", [0, 1, 499_999_999, 999_999_999])
@pytest.mark.parametrize("sf", range(7, 13))
def test_the_fine_second_is_that_of_the_pulse_before_the_end_of_the_preamble(sf: int, fine_ns: int) -> None:
    payload, lora = bytes([0x40, *range(50)]), Lora(sf=sf)
    rest_us = lora_us(lora, len(payload)) - 8 * symbol_us(lora)
    gps_us = 1_400_000_000_000_000 + fine_ns // 1000 + rest_us
    made = record(5, payload, sf=sf, fine_ns=fine_ns, gps_us=gps_us, received_at_us=utc_of_gps(gps_us, 18))
    at = Reception(utc_us=made.received_at_us, quality=TimeQuality.GNSS, age_us=None)
    info = gw.UplinkFrame.FromString(events.uplink(made, at, EUI)).rx_info
    fine = info.fine_time_since_gps_epoch
    assert (fine.seconds, fine.nanos) == (1_400_000_000, fine_ns)
    assert info.time_since_gps_epoch.ToMicroseconds() == gps_us


def test_a_fine_time_that_does_not_fit_the_time_of_reception_is_left_out() -> None:
    made = record(5, data_up(), fine_ns=500_000_000)
    info = gw.UplinkFrame.FromString(events.uplink(made, AT, EUI)).rx_info
    assert info.HasField("time_since_gps_epoch")
    assert not info.HasField("fine_time_since_gps_epoch")


def test_a_frame_with_a_wrong_crc_is_the_official_bytes() -> None:
    expected = official(data_up(), late=False, fsk=False, fine_ns=None)
    expected.rx_info.crc_status = gw.BAD_CRC
    ours = events.uplink(record(5, data_up(), counter_us=77, session=9), AT, EUI, damaged=True)
    assert ours == expected.SerializeToString(deterministic=True)


def test_without_trusted_time_no_time_is_claimed() -> None:
    unknown = Reception(utc_us=JUNE_2024_US, quality=TimeQuality.UNTRUSTED, age_us=None)
    info = gw.UplinkFrame.FromString(events.uplink(record(1), unknown, EUI, late=True)).rx_info
    assert not info.HasField("gw_time")
    assert not info.HasField("time_since_gps_epoch")
    assert dict(info.metadata) == {"late": "1", "stored_seq": "1", "time_quality": "untrusted"}


@given(
    st.integers(-200, 50),
    st.floats(-30, 30, width=32),
    st.integers(0, 2**40),
    st.binary(max_size=255),
    st.integers(0, 9),
)
def test_any_uplink_reads_back(rssi: int, snr: float, record_id: int, payload: bytes, channel: int) -> None:
    made = record(
        record_id, payload, rssi_signal_dbm=float(rssi), rssi_channel_dbm=60.0, snr_db=snr, if_channel=channel
    )
    frame = gw.UplinkFrame.FromString(events.uplink(made, AT, EUI, late=False))
    assert (frame.phy_payload, frame.rx_info.rssi, frame.rx_info.channel) == (payload, rssi, channel)
    assert frame.rx_info.snr == pytest.approx(snr)
    assert frame.rx_info.uplink_id == record_id & 0xFFFF_FFFF


@given(st.lists(st.sampled_from(TxAckStatus), max_size=8), st.integers(0, 2**32 - 1))
def test_acknowledgements_are_the_official_bytes(statuses: list[TxAckStatus], downlink_id: int) -> None:
    expected = gw.DownlinkTxAck(downlink_id=downlink_id, gateway_id=EUI)
    for status in statuses:
        expected.items.add(status=int(status))
    assert events.tx_ack(downlink_id, EUI, tuple(statuses)) == expected.SerializeToString()


def test_the_words_are_the_official_ones() -> None:
    assert {status.name: int(status) for status in TxAckStatus} == dict(gw.TxAckStatus.items())
    assert set(STATUS_OF) == set(Code)


def test_statistics_and_connection_are_the_official_ones() -> None:
    expected = gw.GatewayStats(
        gateway_id=EUI,
        rx_packets_received=9,
        rx_packets_received_ok=8,
        tx_packets_received=3,
        tx_packets_emitted=2,
    )
    expected.time.FromMicroseconds(JUNE_2024_US)
    expected.tx_packets_per_status["OK"] = 2
    expected.tx_packets_per_status["TOO_LATE"] = 1
    expected.location.latitude, expected.location.longitude, expected.location.altitude = 47.39, 0.69, 48.5
    expected.location.source = common.GPS
    expected.config_version = expected.metadata["config_version"] = "a1b2"
    expected.metadata["concentratord_version"] = "passerelle 1"
    expected.tx_packets_per_frequency[869_525_000] = 2
    expected.rx_packets_per_frequency[868_100_000] = 5
    expected.rx_packets_per_frequency[868_800_000] = 3
    sent = expected.tx_packets_per_modulation.add(count=2).modulation.lora
    sent.bandwidth, sent.spreading_factor, sent.code_rate = 125_000, 12, gw.CR_4_5
    expected.rx_packets_per_modulation.add(count=3).modulation.fsk.datarate = 50_000
    duty = expected.duty_cycle_stats
    duty.regulation = common.ETSI_EN_300_220
    duty.window.FromSeconds(3600)
    band = duty.bands.add(name="P", frequency_min=869_400_000, frequency_max=869_650_000)
    band.load_max.FromSeconds(360)
    band.load_tracked.FromMicroseconds(1_482_752)
    heard = expected.rx_packets_per_modulation.add(count=5).modulation.lora
    heard.bandwidth, heard.spreading_factor, heard.code_rate = 125_000, 7, gw.CR_4_5
    made = Statistics(
        utc_us=JUNE_2024_US,
        received=9,
        received_ok=8,
        asked=3,
        emitted=2,
        tx_by_status=(("OK", 2), ("TOO_LATE", 1)),
        rx_by_frequency_hz=((868_100_000, 5), (868_800_000, 3)),
        tx_by_frequency_hz=((869_525_000, 2),),
        rx_by_modulation=(((0, 50_000, 0), 3), ((7, 125_000, 1), 5)),
        tx_by_modulation=(((12, 125_000, 1), 2),),
        config_version="a1b2",
        position=Position(latitude_deg=47.39, longitude_deg=0.69, altitude_m=48.5),
        loads=(
            BandLoad(
                name="P",
                from_hz=869_400_000,
                to_hz=869_650_000,
                limit_us=360_000_000,
                used_us=1_482_752,
            ),
        ),
    )
    ours = events.stats(made, EUI, version="passerelle 1")
    assert gw.GatewayStats.FromString(ours) == expected
    assert len(ours) == expected.ByteSize()
    assert (
        events.connection(EUI, online=True)
        == gw.ConnState(gateway_id=EUI, state=gw.ConnState.ONLINE).SerializeToString()
    )
    assert events.connection(EUI, online=False) == gw.ConnState(gateway_id=EUI).SerializeToString()
    refused = gw.GatewayCommandExecResponse(gateway_id=EUI, exec_id=7, error="commands are refused")
    assert events.exec_refused(7, EUI) == refused.SerializeToString()


def downlink() -> gw.DownlinkFrame:
    frame = gw.DownlinkFrame(downlink_id=4_000_000_000, gateway_id=EUI)
    for frequency, sf in ((868_100_000, 7), (869_525_000, 12)):
        item = frame.items.add(phy_payload=b"\x60abc")
        item.tx_info.frequency, item.tx_info.power = frequency, 14
        lora = item.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor, lora.code_rate = 125_000, sf, gw.CR_4_5
        lora.polarization_inversion = True
        item.tx_info.timing.delay.delay.FromMicroseconds(1_000_000)
        item.tx_info.context = encode_context(5_000_000, 3)
    return frame


def test_a_downlink_arrives_with_its_alternatives() -> None:
    command = parse_downlink(downlink().SerializeToString())
    assert (command.downlink_id, command.gateway_id) == (4_000_000_000, EUI)
    first, second = command.items
    assert (first.payload, first.modulation, first.frequency_hz) == (b"\x60abc", Lora(sf=7), 868_100_000)
    assert first.timing == AtCounter(6_000_000, 3)
    assert (first.power_dbm, first.invert_polarity, first.with_crc, first.preamble_symbols) == (
        14,
        True,
        False,
        8,
    )
    assert second.modulation == Lora(sf=12)


def test_class_b_class_c_and_fsk() -> None:
    frame = downlink()
    frame.items[0].tx_info.timing.gps_epoch.time_since_gps_epoch.FromMicroseconds(5_500_000)
    frame.items[1].tx_info.timing.immediately.SetInParent()
    frame.items[1].tx_info.power = -3
    frame.items[1].tx_info.modulation.fsk.datarate = 50_000
    frame.items[1].tx_info.modulation.fsk.frequency_deviation = 25_000
    first, second = parse_downlink(frame.SerializeToString()).items
    assert first.timing == AtGps(5_500_000)
    assert (second.timing, second.power_dbm) == (Immediate(), -3)
    assert second.modulation == Fsk(bitrate_bps=50_000, deviation_hz=25_000)


def _set(**values: int) -> Callable[[gw.DownlinkFrameItem], None]:
    def change(item: gw.DownlinkFrameItem) -> None:
        for name, value in values.items():
            setattr(item.tx_info.modulation.lora, name, value)

    return change


def _fsk(item: gw.DownlinkFrameItem) -> None:
    item.tx_info.modulation.fsk.datarate = 1


def _context(item: gw.DownlinkFrameItem) -> None:
    item.tx_info.context = b"1234"


def _payload(item: gw.DownlinkFrameItem) -> None:
    item.phy_payload = bytes(256)


BREAKS: dict[str, Callable[[gw.DownlinkFrameItem], object]] = {
    "no timing": lambda item: item.tx_info.ClearField("timing"),
    "no modulation": lambda item: item.tx_info.ClearField("modulation"),
    "no tx_info": lambda item: item.ClearField("tx_info"),
    "context": _context,
    "spreading_factor": _set(spreading_factor=4),
    "bandwidth": _set(bandwidth=200_000),
    "code_rate": _set(code_rate=gw.CR_LI_4_5),
    "phy_payload": _payload,
    "delay": lambda item: item.tx_info.timing.delay.delay.FromMicroseconds(-1),
    "fsk": _fsk,
    "preamble": _set(preamble=70_000),
}


def broken(change: str) -> bytes:
    frame = downlink()
    if change == "no items":
        del frame.items[:]
    elif change == "many items":
        frame.items.extend([frame.items[0]] * ITEMS_LIMIT)
    else:
        BREAKS[change](frame.items[0])
    return frame.SerializeToString()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("no items", "items: 0"),
        ("many items", "items: 10"),
        ("no timing", "timing"),
        ("no modulation", "modulation"),
        ("no tx_info", "tx_info"),
        ("context", "context: 31323334"),
        ("spreading_factor", "sf: 4"),
        ("bandwidth", "bandwidth_hz"),
        ("code_rate", "code_rate"),
        ("phy_payload", "phy_payload: 256 bytes"),
        ("delay", "delay: -1 us"),
        ("fsk", "fsk: 1 bit/s"),
        ("preamble", "preamble"),
    ],
)
def test_what_is_wrong_with_a_command_is_named(change: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        parse_downlink(broken(change))


@given(st.binary(max_size=400))
def test_any_bytes_give_a_command_or_a_command_error(payload: bytes) -> None:
    for parse in (parse_downlink, read_exec_id):
        try:
            parse(payload)
        except CommandError:
            continue


@given(st.integers(1, 255), st.data())
def test_a_damaged_command_is_refused_or_differs(change: int, data: st.DataObject) -> None:
    content = bytearray(downlink().SerializeToString())
    content[data.draw(st.integers(0, len(content) - 1))] ^= change
    try:
        parse_downlink(bytes(content))
    except CommandError:
        return


def test_exec_is_answered_by_its_id() -> None:
    request = gw.GatewayCommandExecRequest(gateway_id=EUI, command="reboot", exec_id=77)
    assert read_exec_id(request.SerializeToString()) == 77


@pytest.mark.parametrize(
    "content", [b"\x08", b"\x0a\x05abc", b"\x00\x01", b"\x0b", b"\x08" + b"\xff" * 11, bytes(70_000)]
)
def test_what_is_no_protobuf_is_refused(content: bytes) -> None:
    with pytest.raises(ProtobufError):
        list(fields(content))


@given(st.integers(-(10**15), 10**15))
def test_durations_read_back(duration_us: int) -> None:
    ((_, inner),) = fields(span(1, duration_us))
    assert isinstance(inner, bytes)
    assert read_span(inner) == duration_us


def test_contexts_read_back_and_others_are_refused() -> None:
    assert decode_context(encode_context(1 << 40, 3 << 16)) == (1 << 40, 3 << 16)
    with pytest.raises(ContextError):
        decode_context(b"\x02" + bytes(16))


@pytest.mark.parametrize(
    ("bitrate", "deviation", "expected"), [(50_000, 25_000, 25_000), (50_000, 0, 25_000), (4_800, 0, 2_400)]
)
def test_an_fsk_downlink_without_a_deviation_has_half_its_bitrate(
    bitrate: int, deviation: int, expected: int
) -> None:
    frame = downlink()
    fsk = frame.items[0].tx_info.modulation.fsk
    fsk.datarate, fsk.frequency_deviation = bitrate, deviation
    first = parse_downlink(frame.SerializeToString()).items[0]
    assert first.modulation == Fsk(bitrate_bps=bitrate, deviation_hz=expected)
    assert (first.preamble_symbols, first.with_crc, first.invert_polarity) == (5, True, False)


@pytest.mark.parametrize(
    ("inverted", "no_crc", "with_crc"),
    [(True, False, False), (True, True, False), (False, True, False), (False, False, True)],
)
def test_a_lora_downlink_has_a_crc_only_where_nobody_forbids_it(
    inverted: bool, no_crc: bool, with_crc: bool
) -> None:
    frame = downlink()
    lora = frame.items[0].tx_info.modulation.lora
    lora.polarization_inversion, lora.no_crc, lora.preamble = inverted, no_crc, 12
    first = parse_downlink(frame.SerializeToString()).items[0]
    assert (first.with_crc, first.invert_polarity, first.preamble_symbols) == (with_crc, inverted, 12)
