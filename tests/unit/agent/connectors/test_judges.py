"""An independent codec (pamoja-gateway) reads what we write, and we read what it writes."""

import json

import pytest
from pamoja import gateway, lora

from agent.connectors.basics_station import server, uplinks
from agent.connectors.basics_station.downlinks import parse_dnmsg
from agent.connectors.basics_station.xtime import session_code, xtime_of
from agent.connectors.reception import Reception
from agent.connectors.semtech_udp.datagrams import PullResp, parse, pull_data, push_data, tx_ack
from agent.connectors.semtech_udp.rxpk import Statistics, rxpk, stat
from agent.connectors.semtech_udp.txpk import malformed_body, parse_txpk, tx_ack_body
from agent.downlink.model import AtTmst, Code, DownlinkVerdict
from agent.wire.messages import TimeQuality
from hal.packets import Lora
from tests.datapath.virtual import JUNE_2024_US, data_up, record

EUI = "0016c001f12a3b4c"
AT = Reception(utc_us=JUNE_2024_US, quality=TimeQuality.NTP, age_us=0)


def test_push_data_is_read_field_by_field() -> None:
    heard = record(1, data_up(), counter_us=3_512_348_611)
    packet = gateway.parse(push_data(0x1234, EUI, b'{"rxpk":[' + rxpk(heard, AT) + b"]}"))
    assert (packet.kind, packet.token, packet.gateway) == (gateway.PacketKind.PUSH_DATA, 0x1234, EUI)
    (frame,) = packet.packets
    assert (frame.payload, frame.frequency_hz, frame.timestamp_us) == (data_up(), 868_100_000, 3_512_348_611)
    assert (frame.channel, frame.rf_chain, frame.rssi_dbm, frame.snr_db) == (2, 0, -80.0, pytest.approx(7.2))
    assert frame.gps_millis == 1_401_235_218_000


def test_stat_and_pull_data_are_read() -> None:
    body = stat(Statistics(utc_us=JUNE_2024_US, rxnb=3, rxok=2, rxfw=2, ackr_percent=100, dwnb=1, txnb=1))
    assert gateway.parse(push_data(1, EUI, b'{"stat":' + body + b"}")).status is not None
    assert gateway.parse(pull_data(7, EUI)).kind == gateway.PacketKind.PULL_DATA


@pytest.mark.parametrize("code", list(Code))
def test_every_tx_ack_is_read(code: Code) -> None:
    packet = gateway.parse(tx_ack(9, EUI, tx_ack_body(DownlinkVerdict(code=code))))
    assert packet.kind == gateway.PacketKind.TX_ACK
    assert (packet.tx_status in {None, gateway.TxStatus.NONE}) == (code is Code.OK)


def test_the_answer_to_a_malformed_txpk_is_read_as_a_refusal() -> None:
    packet = gateway.parse(tx_ack(9, EUI, malformed_body()))
    assert packet.tx_status not in {None, gateway.TxStatus.NONE}


def test_its_pull_resp_is_our_downlink() -> None:
    wanted = gateway.Txpk(
        869_525_000,
        b"\x60abc",
        link=lora.link(9, 125_000),
        timestamp_us=5_000_000,
        power_dbm=27,
        invert_polarity=True,
        without_crc=True,
    )
    datagram = gateway.encode(gateway.Packet(gateway.PacketKind.PULL_RESP, 0x0102, transmit=wanted))
    asked = parse(datagram)
    assert isinstance(asked, PullResp)
    downlink = parse_txpk(asked.body)
    assert (downlink.payload, downlink.modulation, downlink.timing) == (
        b"\x60abc",
        Lora(sf=9),
        AtTmst(5_000_000),
    )
    assert (downlink.frequency_hz, downlink.power_dbm, downlink.with_crc) == (869_525_000, 27, False)


def test_what_has_one_form_is_the_same_bytes_both_ways() -> None:
    ours = [pull_data(7, EUI)]
    ours += [tx_ack(9, EUI, tx_ack_body(DownlinkVerdict(code=code))) for code in Code if code is not Code.OK]
    for datagram in ours:
        assert gateway.encode(gateway.parse(datagram)) == datagram
    for kind in (gateway.PacketKind.PUSH_ACK, gateway.PacketKind.PULL_ACK):
        theirs = gateway.encode(gateway.Packet(kind, 0x0102))
        found = parse(theirs)
        assert (type(found).__name__, found.token) == (
            "PushAck" if kind is gateway.PacketKind.PUSH_ACK else "PullAck",
            0x0102,
        )


@pytest.mark.parametrize("sf", range(7, 13))
def test_what_the_judge_makes_of_our_push_data_is_in_it_word_for_word(sf: int) -> None:
    body = b'{"rxpk":[' + rxpk(record(1, data_up(), sf=sf, counter_us=77), AT) + b"]}"
    datagram = push_data(0x1234, EUI, body)
    again = gateway.encode(gateway.parse(datagram))
    assert again[:12] == datagram[:12]
    (theirs,), (ours,) = json.loads(again[12:])["rxpk"], json.loads(datagram[12:])["rxpk"]
    assert theirs == {name: ours[name] for name in theirs}
    assert {"data", "datr", "codr", "freq", "tmst", "tmms", "rssi", "lsnr", "size"} <= set(theirs)


def test_identifiers_and_xtime_are_the_same() -> None:
    assert gateway.station_discovery_parse(server.discovery(EUI)) == EUI
    parts = gateway.station_xtime_parts(xtime_of(77, 9))
    assert (parts.micros, parts.session, parts.unit) == (77, session_code(9), 0)
    answer = gateway.station_router_accepted(EUI, EUI, "wss://lns.example:3001/traffic")
    assert server.discovered(answer) == "wss://lns.example:3001/traffic"


CONFIG = server.parse_router_config(
    json.dumps({"DRs": [[12, 125, 0], [7, 125, 0]], "region": "EU863"}).encode()
)


def test_uplinks_of_basics_station_are_read() -> None:
    payload = bytes.fromhex("40f17dbe4980020001954378762b11ff0d")
    message = gateway.station_parse(uplinks.uplink(record(1, payload), AT, CONFIG))
    assert message.msgtype == gateway.StationKind.UPLINK
    assert (message.fcnt, message.fport, message.payload, message.data_rate) == (2, 1, payload[9:13], 1)
    join = bytes.fromhex("00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913")
    message = gateway.station_parse(uplinks.uplink(record(1, join), AT, CONFIG))
    assert (message.msgtype, message.dev_nonce) == (gateway.StationKind.JOIN_REQUEST, 0xCC85)


def test_what_the_judge_makes_of_our_messages_is_in_them_word_for_word() -> None:
    data = bytes.fromhex("40f17dbe4980020001954378762b11ff0d")
    join = bytes.fromhex("00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913")
    report = uplinks.transmitted(
        diid=9,
        dev_eui="00-00-00-00-00-00-00-01",
        rate=0,
        frequency_hz=869_525_000,
        counter_us=5,
        session=1,
        utc_us=7,
    )
    texts = [uplinks.uplink(record(1, payload), AT, CONFIG) for payload in (data, join)]
    for text in (*texts, report, server.version(), uplinks.timesync(5)):
        ours = json.loads(text)
        theirs = json.loads(gateway.station_encode(gateway.station_parse(text)))
        for name, value in _plain(theirs):
            assert value == dict(_plain(ours))[name], name
        assert theirs["msgtype"] == ours["msgtype"]


def _plain(message: dict[str, object]) -> list[tuple[str, object]]:
    """Every field, EUIs in one of the two ways in which the protocol writes them."""
    inner = message.get("upinfo", {})
    assert isinstance(inner, dict)
    fields = [(name, value) for name, value in message.items() if name != "upinfo"]
    plain = [(name, gateway.station_eui_of(value) if "Eui" in name else value) for name, value in fields]
    return [*plain, *inner.items()]


def test_its_dnmsg_is_our_downlink() -> None:
    text = gateway.station_encode(
        gateway.StationMessage(
            gateway.StationKind.DOWNLINK,
            dev_eui="0000000000000001",
            class_=0,
            diid=35,
            payload=b"\x60abc",
            rx_delay=1,
            rx1=gateway.StationWindow(1, 868_100_000),
            rx2=gateway.StationWindow(0, 869_525_000),
            priority=0,
            xtime=xtime_of(1_000_000, 9),
            rctx=0,
        )
    )
    wanted = parse_dnmsg(text.encode(), CONFIG, 9)
    assert [down.modulation for down in wanted.alternatives] == [Lora(sf=7), Lora(sf=12)]
    assert (wanted.diid, wanted.alternatives[0].payload) == (35, b"\x60abc")
