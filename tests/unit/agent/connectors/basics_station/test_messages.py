"""The LNS protocol of Basics Station: discovery, uplinks, downlinks, xtime; and rubbish."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.basics_station.downlinks import (
    NO_SESSION,
    SCHEDULE_LIMIT,
    DownlinkError,
    parse_dnframe,
    parse_dnmsg,
    parse_dnsched,
)
from agent.connectors.basics_station.server import (
    MessageError,
    MsgType,
    RouterError,
    discovered,
    discovery,
    message_type,
    parse_error,
    parse_router_config,
    parse_timesync,
    version,
)
from agent.connectors.basics_station.uplinks import (
    NoDataRate,
    NoFrame,
    message_of,
    timesync,
    transmitted,
    uplink,
)
from agent.connectors.basics_station.xtime import counter_of, session_code, xtime_of
from agent.connectors.filters import filter_of
from agent.connectors.reception import Reception
from agent.downlink.model import AtCounter, AtGps, Immediate
from agent.wire.configuration import FilterConfig
from agent.wire.messages import TimeQuality
from hal.packets import Fsk, Lora
from tests.datapath.virtual import JUNE_2024_US, data_up, record

EUI = "0016c001f12a3b4c"
ROUTER = {
    "msgtype": "router_config",
    "region": "EU863",
    "DRs": [
        [12, 125, 0],
        [11, 125, 0],
        [10, 125, 0],
        [9, 125, 0],
        [8, 125, 0],
        [7, 125, 0],
        [7, 250, 0],
        [0, 0, 0],
        [-1, 0, 0],
    ],
}
CONFIG = parse_router_config(json.dumps(ROUTER).encode())
AT = Reception(utc_us=JUNE_2024_US, quality=TimeQuality.NTP, age_us=0)
SESSION = 7
JOIN = bytes.fromhex("00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913")


def sent(payload: bytes, **changes: object) -> dict[str, object]:
    return json.loads(uplink(record(1, payload, counter_us=5, session=SESSION, **changes), AT, CONFIG))


def test_a_data_frame_is_an_updf() -> None:
    payload = bytes.fromhex("40f17dbe4980020001954378762b11ff0d")
    assert sent(payload) == {
        "msgtype": "updf",
        "MHdr": 0x40,
        "DevAddr": 0x49BE7DF1,
        "FCtrl": 0x80,
        "FCnt": 2,
        "FOpts": "",
        "FPort": 1,
        "FRMPayload": "95437876",
        "MIC": 0x0DFF112B,
        "RefTime": 0.0,
        "DR": 5,
        "Freq": 868_100_000,
        "upinfo": {
            "rctx": 0,
            "xtime": 8 << 48 | 5,
            "gpstime": 1_401_235_218_000_000,
            "fts": -1,
            "rssi": -82,
            "snr": 7.25,
            "rxtime": 1_717_200_000.0,
        },
    }


def test_large_addresses_are_signed_and_an_absent_port_is_minus_one() -> None:
    message = sent(b"\x80" + bytes.fromhex("0700ffff00") + b"\x01\x00" + b"\xff\xff\xff\xff")
    assert (message["DevAddr"], message["FPort"], message["MIC"]) == (-65529, -1, -1)


def test_joins_and_the_rest() -> None:
    join = sent(JOIN)
    assert (join["msgtype"], join["JoinEui"], join["DevEui"], join["DevNonce"]) == (
        "jreq",
        "70-B3-D5-7E-D0-00-00-DC",
        "00-AF-EE-7C-F5-ED-6F-1E",
        0xCC85,
    )
    rejoin = b"\xc0\x00" + bytes(17)
    assert sent(rejoin)["FRMPayload"] == rejoin.hex().upper()
    assert sent(b"\xe0x")["msgtype"] == "propdf"


JREQ = bytes.fromhex("000123456789abcdeff1e3f5e7f9ebfdeff0f1a0a1a2a3")
DAUP = bytes.fromhex("40abcdefff01f3f4ff202122a0a1a2a3")
UNDERSCORES = b"_" * 15
SELFTEST_LORA: dict[str, tuple[bytes, dict[str, object] | None]] = {
    "too short": (b"\x00", None),
    "bad major version": (b"\x03" + UNDERSCORES, None),
    "join accept": (b"\x20" + UNDERSCORES, {"msgtype": "jacc", "FRMPayload": "20" + "5F" * 15}),
    "proprietary frame": (b"\xe0" + UNDERSCORES, {"msgtype": "propdf", "FRMPayload": "E0" + "5F" * 15}),
    "jreq": (
        JREQ,
        {
            "msgtype": "jreq",
            "MHdr": 0,
            "JoinEui": "EF-CD-AB-89-67-45-23-01",
            "DevEui": "EF-FD-EB-F9-E7-F5-E3-F1",
            "DevNonce": 61936,
            "MIC": -1549622880,
        },
    ),
    "jreq too short": (JREQ[:22], None),
    "daup": (
        DAUP,
        {
            "msgtype": "updf",
            "MHdr": 64,
            "DevAddr": -1061461,
            "FCtrl": 1,
            "FCnt": 62707,
            "FOpts": "FF",
            "FPort": 32,
            "FRMPayload": "2122",
            "MIC": -1549622880,
        },
    ),
    "daup too short": (DAUP[:12], None),
}
"""Inputs and expected values of ``src/selftest_lora.c`` of basicstation 2.0.6, by its own names, in order."""


@pytest.mark.parametrize("vector", SELFTEST_LORA)
def test_the_parse_vectors_of_basicstation_selftest_lora(vector: str) -> None:
    frame, fields = SELFTEST_LORA[vector]
    if fields is None:
        with pytest.raises(NoFrame):
            message_of(frame)
    else:
        assert message_of(frame) == fields


@pytest.mark.parametrize(
    ("vector", "filters", "passes"),
    [
        ("jreq", FilterConfig(join_euis=("efcdab8967452300-efcdab8967452300",)), False),
        ("jreq", FilterConfig(join_euis=("efcdab8967452300-efcdab8967452301",)), True),
        ("daup", FilterConfig(net_ids=("000000",)), False),
    ],
    ids=["jreq removed", "jreq passes", "daup filtered"],
)
def test_the_filter_vectors_of_basicstation_selftest_lora(
    vector: str, filters: FilterConfig, passes: bool
) -> None:
    frame = record(1, payload=SELFTEST_LORA[vector][0])
    assert filter_of(filters).passes(frame) is passes


@pytest.mark.parametrize("vector", [name for name, (_, fields) in SELFTEST_LORA.items() if fields is None])
def test_bytes_that_are_no_lorawan_go_as_propdf_where_the_configuration_asks(vector: str) -> None:
    frame = SELFTEST_LORA[vector][0]
    asked = {"msgtype": "propdf", "FRMPayload": frame.hex().upper()}
    assert message_of(frame, non_lorawan=True) == asked
    assert json.loads(uplink(record(1, payload=frame), AT, CONFIG, non_lorawan=True)).items() >= asked.items()
    with pytest.raises(NoFrame):
        uplink(record(1, payload=frame), AT, CONFIG)


@pytest.mark.parametrize("frame", [b"", b"\xe1abc", b"\x44" + bytes(15), b"\x20abc"])
def test_bytes_that_are_no_lorawan_have_no_message(frame: bytes) -> None:
    with pytest.raises(NoFrame):
        message_of(frame)


def test_a_downlink_of_another_gateway_is_named_so() -> None:
    assert message_of(b"\x60" + data_up()[1:])["msgtype"] == "dndf"


@pytest.mark.parametrize(
    ("channel_dbm", "signal_dbm", "sf", "rssi_dbm"),
    [(-51.0, -72.0, 12, -72), (-72.0, -51.0, 12, -72), (-51.0, -128.0, 0, -51)],
)
def test_the_level_of_a_weak_frame_is_that_of_its_signal(
    channel_dbm: float, signal_dbm: float, sf: int, rssi_dbm: int
) -> None:
    upinfo = sent(data_up(), rssi_channel_dbm=channel_dbm, rssi_signal_dbm=signal_dbm, sf=sf)["upinfo"]
    assert isinstance(upinfo, dict)
    assert upinfo["rssi"] == rssi_dbm


def test_a_stored_frame_is_marked_late_and_a_live_one_is_not() -> None:
    unknown = Reception(utc_us=5, quality=TimeQuality.UNTRUSTED, age_us=None)
    live = json.loads(uplink(record(5), unknown, CONFIG))
    late = json.loads(uplink(record(5), unknown, CONFIG, late=True))
    assert late["upinfo"] == live["upinfo"] | {"late": "1", "stored_seq": "5"}


def test_without_trusted_time_there_is_no_gps_time() -> None:
    unknown = Reception(utc_us=5, quality=TimeQuality.UNTRUSTED, age_us=None)
    assert json.loads(uplink(record(1), unknown, CONFIG))["upinfo"]["gpstime"] == 0


@pytest.mark.parametrize(("sf", "rate", "expected"), [(12, 125_000, 0), (7, 250_000, 6), (0, 50_000, 7)])
def test_data_rates(sf: int, rate: int, expected: int) -> None:
    assert sent(data_up(), sf=sf, rate=rate)["DR"] == expected


def test_a_data_rate_that_the_server_does_not_know_is_said() -> None:
    with pytest.raises(NoDataRate, match="SF5"):
        sent(data_up(), sf=5)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**20))
def test_xtime_is_of_one_start_of_the_radio(counter_us: int, session: int) -> None:
    xtime = xtime_of(counter_us, session)
    assert counter_of(xtime, session) == counter_us
    assert counter_of(xtime, session + 1) is None
    assert 1 <= session_code(session) <= 255


def dnmsg(**changes: object) -> bytes:
    fields = {
        "msgtype": "dnmsg",
        "DevEui": "00-AF-EE-7C-F5-ED-6F-1E",
        "dC": 0,
        "diid": 35,
        "pdu": "60aabb",
        "RxDelay": 5,
        "RX1DR": 5,
        "RX1Freq": 868_100_000,
        "RX2DR": 0,
        "RX2Freq": 869_525_000,
        "priority": 1,
        "xtime": xtime_of(1_000_000, SESSION),
        "rctx": 0,
    }
    return json.dumps(
        {name: value for name, value in (fields | changes).items() if value is not None}
    ).encode()


def test_class_a_has_rx1_and_rx2() -> None:
    wanted = parse_dnmsg(dnmsg(), CONFIG, SESSION)
    assert (wanted.diid, wanted.dev_eui, wanted.rates) == (35, "00-AF-EE-7C-F5-ED-6F-1E", (5, 0))
    rx1, rx2 = wanted.alternatives
    assert (rx1.timing, rx1.frequency_hz, rx1.modulation) == (
        AtCounter(6_000_000, SESSION),
        868_100_000,
        Lora(sf=7),
    )
    assert (rx2.timing, rx2.frequency_hz, rx2.modulation) == (
        AtCounter(7_000_000, SESSION),
        869_525_000,
        Lora(sf=12),
    )
    assert (rx1.payload, rx1.invert_polarity, rx1.with_crc, rx1.priority) == (b"\x60\xaa\xbb", True, False, 1)


@pytest.mark.parametrize("delay", [None, 0, 1])
def test_a_delay_of_zero_is_one(delay: int | None) -> None:
    assert parse_dnmsg(dnmsg(RxDelay=delay), CONFIG, SESSION).alternatives[0].timing == AtCounter(
        2_000_000, SESSION
    )


def test_classes_b_and_c() -> None:
    ping = parse_dnmsg(dnmsg(dC=1, gpstime=9, DR=3, Freq=869_525_000), CONFIG, SESSION)
    assert [down.timing for down in ping.alternatives] == [AtGps(9)]
    late = parse_dnmsg(dnmsg(dC=2), CONFIG, SESSION)
    assert [down.timing for down in late.alternatives] == [AtCounter(6_000_000, SESSION), Immediate()]
    assert [d.timing for d in parse_dnmsg(dnmsg(dC=2, xtime=0), CONFIG, SESSION).alternatives] == [
        Immediate()
    ]


def test_older_servers_say_seqno_and_newer_ones_both() -> None:
    numbers = [
        parse_dnmsg(dnmsg(**given), CONFIG, SESSION).diid
        for given in ({"diid": None, "seqno": 8}, {"diid": 0, "seqno": 8}, {"diid": 9}, {"diid": None})
    ]
    assert numbers == [8, 0, 9, 0]


def dnframe(**changes: object) -> bytes:
    fields = {
        "msgtype": "dnframe",
        "DevEui": "00-AF-EE-7C-F5-ED-6F-1E",
        "seqno": 7,
        "DR": 5,
        "Freq": 868_100_000,
        "xtime": xtime_of(1_000_000, SESSION),
        "pdu": "60aabb",
        "rctx": 0,
    }
    return json.dumps(fields | changes).encode()


def test_a_dnframe_leaves_at_its_xtime_or_when_that_is_past_at_once() -> None:
    wanted = parse_dnframe(dnframe(), CONFIG, SESSION)
    assert (wanted.diid, wanted.rates) == (7, (5,))
    assert [down.timing for down in wanted.alternatives] == [AtCounter(1_000_000, SESSION)]
    soon = parse_dnframe(dnframe(asap=True, diid=9), CONFIG, SESSION)
    assert (soon.diid, soon.rates) == (9, (5, 5))
    assert [down.timing for down in soon.alternatives] == [AtCounter(1_000_000, SESSION), Immediate()]
    with pytest.raises(DownlinkError, match="DR: 9"):
        parse_dnframe(dnframe(DR=9), CONFIG, SESSION)


def test_max_eirp_limits_every_downlink_of_this_server() -> None:
    limited = parse_router_config(json.dumps(ROUTER | {"max_eirp": 14.5}).encode())
    schedule = {"schedule": [{"pdu": "aa", "DR": 3, "Freq": 869_525_000, "gpstime": 5}]}
    powers = [
        *(down.power_dbm for down in parse_dnmsg(dnmsg(), limited, SESSION).alternatives),
        *(down.power_dbm for down in parse_dnframe(dnframe(), limited, SESSION).alternatives),
        *(down.power_dbm for down in parse_dnsched(json.dumps(schedule).encode(), limited, SESSION)),
    ]
    assert powers == [14.5] * 4
    assert parse_dnmsg(dnmsg(), CONFIG, SESSION).alternatives[0].power_dbm is None
    with pytest.raises(RouterError, match="max_eirp"):
        parse_router_config(json.dumps(ROUTER | {"max_eirp": 101}).encode())


def test_a_class_b_report_has_the_gps_time_that_was_asked_for() -> None:
    ping = parse_dnmsg(dnmsg(dC=1, gpstime=9, DR=3, Freq=869_525_000), CONFIG, SESSION)
    assert ping.gps_us(0) == 9
    assert parse_dnmsg(dnmsg(), CONFIG, SESSION).gps_us(0) == 0


def test_another_start_of_the_radio_is_told_apart() -> None:
    wanted = parse_dnmsg(dnmsg(), CONFIG, SESSION + 1)
    assert {down.timing for down in wanted.alternatives} == {AtCounter(0, NO_SESSION)}


def test_fsk_downlinks_have_a_crc_and_no_inversion() -> None:
    down = parse_dnmsg(dnmsg(RX1DR=7), CONFIG, SESSION).alternatives[0]
    assert isinstance(down.modulation, Fsk)
    assert (down.with_crc, down.invert_polarity) == (True, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pdu": "6"}, "pdu"),
        ({"pdu": "00" * 256}, "pdu"),
        ({"pdu": None}, "pdu"),
        ({"dC": 3}, "dC"),
        ({"xtime": 0}, "xtime: needed"),
        ({"xtime": -5}, "xtime"),
        ({"RX1DR": None}, "DR: None"),
        ({"RX1DR": 8}, "DR: 8"),
        ({"RX1DR": 15}, "DR: 15"),
        ({"RxDelay": 16}, "RxDelay"),
        ({"RX1Freq": "x"}, "RX1Freq"),
    ],
)
def test_what_is_wrong_with_a_dnmsg_is_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(DownlinkError, match=message):
        parse_dnmsg(dnmsg(**changes), CONFIG, SESSION)


def test_a_schedule_is_a_list_of_downlinks() -> None:
    entry = {"pdu": "aa", "DR": 3, "Freq": 869_525_000}
    schedule = [entry | {"gpstime": 5}, entry | {"xtime": xtime_of(9, SESSION)}, entry | {"xtime": 1}]
    found = parse_dnsched(json.dumps({"msgtype": "dnsched", "schedule": schedule}).encode(), CONFIG, SESSION)
    assert [down.timing for down in found] == [AtGps(5), AtCounter(9, SESSION), AtCounter(0, NO_SESSION)]
    with pytest.raises(DownlinkError):
        parse_dnsched(json.dumps({"schedule": [entry] * (SCHEDULE_LIMIT + 1)}).encode(), CONFIG, SESSION)


def test_discovery() -> None:
    assert json.loads(discovery(EUI)) == {"router": "16:c001:f12a:3b4c"}
    assert (
        discovered('{"router":"x","muxs":"y","uri":"wss://lns.example:8887/traffic"}')
        == "wss://lns.example:8887/traffic"
    )
    assert json.loads(version())["protocol"] == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ('{"error":"not ours"}', "not ours"),
        ("{}", "no uri"),
        ('{"uri":"http://x"}', "uri"),
        ('{"uri":"ws://"}', "uri"),
        ('{"uri":"ws://[x"}', "uri"),
        ('{"uri":"ws://a:99999"}', "uri"),
        ("nonsense", "discovery"),
        (b"\xff", "discovery"),
    ],
)
def test_what_is_wrong_with_discovery_is_named(answer: str | bytes, message: str) -> None:
    with pytest.raises(RouterError, match=message):
        discovered(answer)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        ([[4, 125, 0]], r"\[4, 125\]"),
        ([[7, 100, 0]], r"\[7, 100\]"),
        ([[7, 125, 0]] * 17, "DRs: 17"),
        (None, "DRs"),
        ([[7]], "DRs"),
    ],
)
def test_what_is_wrong_with_router_config_is_named(rates: object, message: str) -> None:
    with pytest.raises(RouterError, match=message):
        parse_router_config(json.dumps({"msgtype": "router_config", "DRs": rates}).encode())


@given(st.one_of(st.binary(max_size=200), st.text(max_size=80).map(str.encode)))
def test_any_message_gives_a_value_or_its_own_error(message: bytes) -> None:
    for parse, errors in (
        (message_type, MessageError),
        (parse_timesync, MessageError),
        (parse_router_config, RouterError),
        (discovered, RouterError),
        (parse_error, MessageError),
        (lambda content: parse_dnframe(content, CONFIG, SESSION), DownlinkError),
        (lambda content: parse_dnmsg(content, CONFIG, SESSION), DownlinkError),
        (lambda content: parse_dnsched(content, CONFIG, SESSION), DownlinkError),
    ):
        try:
            parse(message)  # type: ignore[operator]
        except errors:
            continue


def test_messages_are_told_apart() -> None:
    assert message_type(b'{"msgtype":"runcmd","command":"rm"}') == (MsgType.RUNCMD, None)
    assert message_type(b'{"msgtype":"dnmsg","MuxTime":1.5}') == (MsgType.DNMSG, 1.5)
    assert [
        message_type(b'{"msgtype":"dnmsg","MuxTime":%s}' % odd)[1] for odd in (b'"x"', b"-1", b"1e300")
    ] == [None] * 3
    assert parse_error(b'{"msgtype":"error","error":"unknown gateway"}') == "unknown gateway"
    with pytest.raises(MessageError, match="teleport"):
        message_type(b'{"msgtype":"teleport"}')
    assert parse_timesync(b'{"msgtype":"timesync","txtime":5,"gpstime":9}').gpstime == 9
    assert json.loads(timesync(5)) == {"msgtype": "timesync", "txtime": 5}


def test_a_frame_carries_the_server_s_own_time() -> None:
    assert json.loads(uplink(record(1), AT, CONFIG, 17.25))["RefTime"] == 17.25


def test_a_report_names_the_downlink_and_its_instant() -> None:
    report = json.loads(
        transmitted(
            diid=35, dev_eui="E", rate=5, frequency_hz=868_100_000, counter_us=9, session=0, utc_us=1_500_000
        )
    )
    assert report == {
        "msgtype": "dntxed",
        "seqno": 35,
        "diid": 35,
        "DevEui": "E",
        "DR": 5,
        "Freq": 868_100_000,
        "rctx": 0,
        "xtime": 1 << 48 | 9,
        "txtime": 1.5,
        "gpstime": 0,
    }
