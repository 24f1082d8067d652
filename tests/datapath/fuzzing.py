"""Every parser of what comes from servers, with a good sample each, and how samples are damaged."""

import json
from collections.abc import Callable
from random import Random

from chirpstack_api.gw import gw_pb2 as gw

from agent.connectors.basics_station.credentials import HandedOut, decode, encode
from agent.connectors.basics_station.cups import Credentials, CupsError, parse_answer, split_credentials
from agent.connectors.basics_station.downlinks import DownlinkError, parse_dnmsg, parse_dnsched
from agent.connectors.basics_station.server import (
    MessageError,
    RouterError,
    discovered,
    message_type,
    parse_router_config,
    parse_timesync,
    server_plan,
)
from agent.connectors.chirpstack_mqtt.commands import CommandError, parse_downlink, read_exec_id
from agent.connectors.chirpstack_mqtt.configuration import parse_configuration
from agent.connectors.chirpstack_mqtt.context import encode_context
from agent.connectors.semtech_udp.datagrams import DatagramError, parse
from agent.connectors.semtech_udp.txpk import TxpkError, parse_txpk
from agent.lorawan.phy import PhyError, parse_phy
from tests.datapath.cups_server import answer_of
from tests.datapath.station import EUI, ROUTER
from tests.datapath.virtual import data_up

CONFIG = parse_router_config(json.dumps(ROUTER).encode())
TXPK = {
    "txpk": {"imme": True, "freq": 869.525, "powe": 27, "datr": "SF9BW125", "codr": "4/5", "data": "AQID"}
}
DNMSG = {"msgtype": "dnmsg", "dC": 0, "pdu": "60aa", "RX1DR": 1, "RX1Freq": 868100000, "xtime": 5, "diid": 1}
SCHEDULE = {"msgtype": "dnsched", "schedule": [{"pdu": "aa", "DR": 1, "Freq": 868100000, "gpstime": 5}]}
TIMESYNC = {"msgtype": "timesync", "txtime": 5, "gpstime": 1_480_000_000_000_000}
BLOB = b"\x30\x03abc" + bytes(4) + b"Authorization: Bearer x\r\n"
PLAN = ROUTER | {
    "sx1301_conf": [
        {
            "radio_0": {"enable": True, "freq": 867500000},
            "chan_multiSF_0": {"enable": True, "radio": 0, "if": -200000},
        }
    ]
}


def downlink() -> bytes:
    frame = gw.DownlinkFrame(downlink_id=7, gateway_id=EUI)
    item = frame.items.add(phy_payload=b"\x60abc")
    item.tx_info.frequency, item.tx_info.power = 868_100_000, 14
    item.tx_info.modulation.lora.bandwidth, item.tx_info.modulation.lora.spreading_factor = 125_000, 7
    item.tx_info.timing.delay.delay.FromMicroseconds(1_000_000)
    item.tx_info.context = encode_context(5, 3)
    return bytes(frame.SerializeToString())


def configuration() -> bytes:
    asked = gw.GatewayConfiguration(gateway_id=EUI, version="1")
    channel = asked.channels.add(frequency=868_100_000)
    channel.lora_modulation_config.bandwidth = 125_000
    channel.lora_modulation_config.spreading_factors.extend(range(7, 13))
    return bytes(asked.SerializeToString())


CUPS = answer_of(cups_uri="https://cups:443", tc_uri="wss://lns:8887", tc=BLOB, signature=bytes(72))
KEPT = encode(HandedOut(tc_uri="wss://lns", tc=Credentials(trust=b"t", token="x")), "origin")
Target = tuple[Callable[[bytes], object], type[Exception], bytes]
TARGETS: dict[str, Target] = {
    "UDP datagram": (parse, DatagramError, b"\x02\x00\x01\x03{}"),
    "UDP txpk": (parse_txpk, TxpkError, json.dumps(TXPK).encode()),
    "MQTT downlink": (parse_downlink, CommandError, downlink()),
    "MQTT exec": (read_exec_id, CommandError, downlink()),
    "MQTT configuration": (parse_configuration, CommandError, configuration()),
    "station message": (message_type, MessageError, json.dumps(DNMSG).encode()),
    "station dnmsg": (lambda b: parse_dnmsg(b, CONFIG, 0), DownlinkError, json.dumps(DNMSG).encode()),
    "station dnsched": (lambda b: parse_dnsched(b, CONFIG, 0), DownlinkError, json.dumps(SCHEDULE).encode()),
    "station discovery": (discovered, RouterError, b'{"uri":"wss://lns.example:3001/x"}'),
    "station router_config": (parse_router_config, RouterError, json.dumps(ROUTER).encode()),
    "station channels": (server_plan, RouterError, json.dumps(PLAN).encode()),
    "station timesync": (parse_timesync, MessageError, json.dumps(TIMESYNC).encode()),
    "CUPS answer": (parse_answer, CupsError, CUPS),
    "CUPS credentials": (split_credentials, CupsError, BLOB),
    "CUPS file": (decode, CupsError, KEPT),
    "PHYPayload": (parse_phy, PhyError, data_up()),
}


def mutated(sample: bytes, random: Random) -> bytes:
    """Return the sample with a few bytes changed, cut, doubled or replaced by rubbish."""
    content = bytearray(sample)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(content) + 1)
        match random.randrange(4):
            case 0:
                content[at : at + 1] = random.randbytes(1)
            case 1:
                del content[at : at + random.randint(1, 8)]
            case 2:
                content[at:at] = random.randbytes(random.randint(1, 8))
            case _:
                content[at:at] = content[at : at + random.randint(1, 16)]
    return bytes(content)


def try_one(target: str, random: Random) -> bool:
    """Feed one damaged input; return whether it was refused.  Anything but its own error gets out."""
    read, refusal, sample = TARGETS[target]
    try:
        read(mutated(sample, random))
    except refusal as error:
        if not str(error):
            raise AssertionError("an error names what was wrong") from error
        return True
    return False
