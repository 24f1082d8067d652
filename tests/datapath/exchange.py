"""One exchange in virtual time: an uplink as each protocol tells it, the downlink, its acknowledgement.

The codecs, the alternatives and the queue are the product's; clock, radio and servers are virtual.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chirpstack_api.gw import gw_pb2 as gw

from agent.connectors.attempts import CHIRPSTACK_WAIT_LIMIT_US, Attempts
from agent.connectors.basics_station import uplinks
from agent.connectors.basics_station.downlinks import parse_dnmsg
from agent.connectors.basics_station.server import parse_router_config
from agent.connectors.chirpstack_mqtt import events
from agent.connectors.chirpstack_mqtt.commands import parse_downlink
from agent.connectors.ports import Outcome
from agent.connectors.reception import Reception
from agent.connectors.semtech_udp.rxpk import rxpk
from agent.connectors.semtech_udp.txpk import parse_txpk, tx_ack_body
from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.antenna import antenna_of
from agent.downlink.beacon import DELAY_US, gateway_info
from agent.downlink.model import Code, Downlink, DownlinkVerdict
from agent.downlink.scheduler import DownlinkScheduler
from agent.record import Record
from agent.timing.timebase import Anchor, GpsReference
from agent.wire.configuration import RadioConfig
from agent.wire.messages import TimeQuality
from hal.packets import Transmission, TxTrigger
from hal.units import Micros
from tests.datapath.station import EUI, ROUTER
from tests.datapath.virtual import JUNE_2024_US, ManualClock, record

PAYLOAD = b"\x60answer"
STEP_US = 20_000
CONFIG = parse_router_config(json.dumps(ROUTER).encode())
RATES = {12: 0, 9: 3, 7: 5}


@dataclass
class Wish:
    """What a server wants sent: each alternative by (frequency, sf, delay after the uplink)."""

    alternatives: list[tuple[int, int, int]] = field(default_factory=list)
    gps_us: int | None = None
    immediate: bool = False


class Air:
    """The gateway between servers and antenna, on a clock that the test moves."""

    def __init__(self, path: Path, *, gps_us: int | None = None) -> None:
        self.clock = ManualClock(now_us=50_000_000)
        book = AirtimeBook(directory=path, clock=self.clock, later=lambda work: work())
        self.scheduler = DownlinkScheduler(
            clock=self.clock, antenna=antenna_of(RadioConfig()), book=book, wake=lambda: None
        )
        now_us = self.clock.now_us
        self._gps = None if gps_us is None else GpsReference(counter_us=now_us, gps_us=gps_us)
        self.scheduler.anchored(Anchor(counter_us=now_us, monotonic_us=now_us, session=1), self._gps)
        self.sent: list[Transmission] = []
        self.acknowledged: list[Any] = []
        self._outcomes: dict[int, Callable[[Outcome], None]] = {}

    def submit(self, downlink: Downlink, outcome: Callable[[Outcome], None] | None = None) -> DownlinkVerdict:
        verdict = self.scheduler.submit(downlink)
        if verdict.taken and outcome is not None:
            self._outcomes[verdict.ticket] = outcome
        return verdict

    def run(self, duration_us: int) -> None:
        end_us = self.clock.now_us + duration_us
        while self.clock.now_us < end_us:
            self.clock.now_us += STEP_US
            self.scheduler.send_beacons(gateway_info(EUI))
            while (entry := self.scheduler.due(self.clock.now_us)) is not None:
                self.sent.append(self._at_its_instant(entry.transmission))
                outcome = self._outcomes.pop(entry.ticket, None)
                if outcome is not None:
                    outcome(Outcome(sent=True, reason="", start_us=entry.start_us))

    def _at_its_instant(self, given: Transmission) -> Transmission:
        """Return a transmission as it leaves: one on the pulse starts 1.5 ms after the next one."""
        if given.trigger is not TxTrigger.ON_GPS:
            return given
        assert self._gps is not None, "beacons need GNSS time"
        whole_s = -(-self._gps.gps_at(self.clock.now_us) // 1_000_000)
        at_us = Micros(self._gps.counter_at(whole_s * 1_000_000) + DELAY_US)
        return replace(given, trigger=TxTrigger.TIMESTAMPED, at_us=at_us)

    def uplink(self) -> tuple[Record, Reception]:
        heard = record(1, monotonic_us=self.clock.now_us)
        return heard, Reception(utc_us=JUNE_2024_US, quality=TimeQuality.NTP, age_us=0)


def udp_asked(uplink: dict[str, Any], wish: Wish) -> list[dict[str, Any]]:
    """Return the txpk of each alternative, as a server would send them after an rxpk."""
    common = {"modu": "LORA", "codr": "4/5", "powe": 14, "ipol": True, "ncrc": True}
    common["data"] = base64.b64encode(PAYLOAD).decode()
    asked: list[dict[str, Any]] = []
    for frequency, sf, delay_us in wish.alternatives:
        tmst = (uplink["tmst"] + delay_us) % 2**32
        asked.append({"tmst": tmst, "freq": frequency / 1e6, "datr": f"SF{sf}BW125"})
    if wish.gps_us is not None:
        asked.append({"tmms": wish.gps_us // 1000, "freq": 869.525, "datr": "SF9BW125"})
    if wish.immediate:
        asked.append({"imme": True, "freq": 869.525, "datr": "SF12BW125"})
    return [common | one for one in asked]


def mqtt_asked(context: bytes, wish: Wish) -> gw.DownlinkFrame:
    """Return the command that ChirpStack would send after an uplink with this context."""
    frame = gw.DownlinkFrame(downlink_id=7, gateway_id=EUI)
    for frequency, sf, delay_us in wish.alternatives:
        item = _item(frame, frequency, sf)
        item.tx_info.timing.delay.delay.FromMicroseconds(delay_us)
        item.tx_info.context = context
    if wish.gps_us is not None:
        item = _item(frame, 869_525_000, 9)
        item.tx_info.timing.gps_epoch.time_since_gps_epoch.FromMicroseconds(wish.gps_us)
    if wish.immediate:
        _item(frame, 869_525_000, 12).tx_info.timing.immediately.SetInParent()
    return frame


def _item(frame: gw.DownlinkFrame, frequency: int, sf: int) -> gw.DownlinkFrameItem:
    item = frame.items.add(phy_payload=PAYLOAD)
    item.tx_info.frequency, item.tx_info.power = frequency, 14
    lora = item.tx_info.modulation.lora
    lora.bandwidth, lora.spreading_factor, lora.polarization_inversion = 125_000, sf, True
    lora.code_rate = gw.CR_4_5
    return item


def station_asked(upinfo: dict[str, Any], wish: Wish) -> dict[str, Any]:
    """Return the dnmsg that an LNS would send after an uplink with this upinfo."""
    asked: dict[str, Any] = {"msgtype": "dnmsg", "DevEui": "01", "diid": 9, "pdu": PAYLOAD.hex(), "dC": 0}
    for frequency, sf, delay_us in wish.alternatives:
        window = "RX1" if delay_us == 1_000_000 else "RX2"
        asked |= {f"{window}DR": RATES[sf], f"{window}Freq": frequency, "RxDelay": 1}
        asked |= {"xtime": upinfo["xtime"], "rctx": upinfo["rctx"]}
    if wish.gps_us is not None:
        asked |= {"dC": 1, "gpstime": wish.gps_us, "DR": RATES[9], "Freq": 869_525_000}
    if wish.immediate:
        asked |= {"dC": 2, "RX2DR": RATES[12], "RX2Freq": 869_525_000}
    return asked


def over_udp(air: Air, wish: Wish) -> None:
    """The server tries its alternatives itself, by what each TX_ACK says."""
    uplink = json.loads(rxpk(*air.uplink()))
    for txpk in udp_asked(uplink, wish):
        verdict = air.submit(parse_txpk(json.dumps({"txpk": txpk}).encode()))
        air.acknowledged.append(tx_ack_body(verdict))
        if verdict.taken:
            return


def over_mqtt(air: Air, wish: Wish) -> None:
    heard, reception = air.uplink()
    uplink = gw.UplinkFrame.FromString(events.uplink(heard, reception, EUI, late=False))
    frame = mqtt_asked(uplink.rx_info.context, wish)

    def done(codes: list[Code], _verdict: object, _outcome: object) -> None:
        statuses = tuple(events.STATUS_OF[code] for code in codes)
        ack = gw.DownlinkTxAck.FromString(events.tx_ack(7, EUI, statuses))
        air.acknowledged.append([gw.TxAckStatus.Name(item.status) for item in ack.items])

    items = parse_downlink(frame.SerializeToString()).items
    Attempts(items, air.submit, done, wait_limit_us=CHIRPSTACK_WAIT_LIMIT_US).start()


def over_station(air: Air, wish: Wish) -> None:
    heard, reception = air.uplink()
    uplink = json.loads(uplinks.uplink(heard, reception, CONFIG))
    wanted = parse_dnmsg(json.dumps(station_asked(uplink["upinfo"], wish)).encode(), CONFIG, 1)

    def done(codes: list[Code], _verdict: object, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        index = len(codes) - 1
        report = uplinks.transmitted(
            diid=wanted.diid,
            dev_eui=wanted.dev_eui,
            rate=wanted.rates[index],
            frequency_hz=wanted.alternatives[index].frequency_hz,
            counter_us=outcome.start_us,
            session=1,
            utc_us=0,
        )
        air.acknowledged.append(json.loads(report))

    Attempts(wanted.alternatives, air.submit, done).start()


PROTOCOLS: dict[str, Callable[[Air, Wish], None]] = {
    "semtech_udp": over_udp,
    "chirpstack_mqtt": over_mqtt,
    "basics_station": over_station,
}
