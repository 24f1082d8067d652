"""Every parser of what comes from outside, for a while: its own error or a value, nothing else."""

import json
import time
from collections.abc import Callable
from random import Random

import pytest
from chirpstack_api.gw import gw_pb2 as gw

from agent.connectors.basics_station.downlinks import DownlinkError, parse_dnmsg, parse_dnsched
from agent.connectors.basics_station.messages import MessageError, message_type
from agent.connectors.basics_station.router import RouterError, discovered, parse_router_config
from agent.connectors.chirpstack_mqtt.commands import CommandError, parse_downlink
from agent.connectors.chirpstack_mqtt.context import encode_context
from agent.connectors.semtech_udp.datagrams import DatagramError, parse
from agent.connectors.semtech_udp.txpk import TxpkError, parse_txpk
from agent.lorawan.phy import PhyError, parse_phy
from tests.datapath.virtual import data_up

pytestmark = pytest.mark.soak
EACH_S = 10.0
ROUTER = {"msgtype": "router_config", "region": "EU863", "DRs": [[12, 125, 0], [7, 125, 0]]}
CONFIG = parse_router_config(json.dumps(ROUTER).encode())
TXPK = {
    "txpk": {"imme": True, "freq": 869.525, "powe": 27, "datr": "SF9BW125", "codr": "4/5", "data": "AQID"}
}
DNMSG = {"msgtype": "dnmsg", "dC": 0, "pdu": "60aa", "RX1DR": 1, "RX1Freq": 868100000, "xtime": 5, "diid": 1}
SCHEDULE = {"msgtype": "dnsched", "schedule": [{"pdu": "aa", "DR": 1, "Freq": 868100000, "gpstime": 5}]}


def downlink() -> bytes:
    frame = gw.DownlinkFrame(downlink_id=7, gateway_id="0016c001f12a3b4c")
    item = frame.items.add(phy_payload=b"\x60abc")
    item.tx_info.frequency, item.tx_info.power = 868_100_000, 14
    item.tx_info.modulation.lora.bandwidth, item.tx_info.modulation.lora.spreading_factor = 125_000, 7
    item.tx_info.timing.delay.delay.FromMicroseconds(1_000_000)
    item.tx_info.context = encode_context(5, 3)
    return bytes(frame.SerializeToString())


TARGETS: dict[str, tuple[Callable[[bytes], object], type[Exception], bytes]] = {
    "UDP datagram": (parse, DatagramError, b"\x02\x00\x01\x03{}"),
    "UDP txpk": (parse_txpk, TxpkError, json.dumps(TXPK).encode()),
    "MQTT downlink": (parse_downlink, CommandError, downlink()),
    "station message": (message_type, MessageError, json.dumps(DNMSG).encode()),
    "station dnmsg": (lambda b: parse_dnmsg(b, CONFIG, 0), DownlinkError, json.dumps(DNMSG).encode()),
    "station dnsched": (lambda b: parse_dnsched(b, CONFIG, 0), DownlinkError, json.dumps(SCHEDULE).encode()),
    "station discovery": (discovered, RouterError, b'{"uri":"wss://lns.example:3001/x"}'),
    "station router_config": (parse_router_config, RouterError, json.dumps(ROUTER).encode()),
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


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_parser_gives_a_value_or_its_own_error(target: str) -> None:
    read, refusal, sample = TARGETS[target]
    random, tried, refused = Random(target), 0, 0
    end = time.monotonic() + EACH_S
    while time.monotonic() < end:
        for _ in range(500):
            content = mutated(sample, random)
            tried += 1
            try:
                read(content)
            except refusal:
                refused += 1
    print(f"{target}: {tried} inputs tried, {refused} refused, seed {target!r}")
