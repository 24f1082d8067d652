"""A small ChirpStack: as little of it as the agent's promises depend on, shaped by what the real one does.

Sources, each in chirpstack 4.20 (d77207cd):
``gateway/backend/mqtt.rs``: a shared subscription to ``PREFIX/gateway/+/event/+`` and no other;
``config.rs``: ``session_expiry_interval = 0``: the session ends with the connection.
``uplink/mod.rs``: copies of one frame within 200 ms (``deduplication_delay``) are one; later ones are not.
``storage/device.rs``: a counter not below the next is taken; else it is a retransmission or a reset, or, with
``skip_f_cnt_check``, taken all the same.
``uplink/data.rs``: a confirmed uplink is acknowledged in RX1 and RX2 through the gateway that heard it.
``uplink/stats.rs``: statistics are added up.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiomqtt
from chirpstack_api.gw import gw_pb2 as gw
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.lorawan.phy import DataDown, DataUp, encode_data, encode_without_mic, parse_phy
from demo.crypto import DOWN, UP, data_mic

DEDUPLICATION_S = 0.2
SHARED = "$share/chirpstack/"


@dataclass
class Device:
    """One activated device."""

    key: bytes
    next_up: int = 0
    next_down: int = 0
    published: list[int] = field(default_factory=list)
    """Frame counters, in the order in which the application got them."""
    resets: int = 0
    retransmissions: int = 0


class ChirpStack:
    """Runs between ``start`` and ``stop``; what it knows of its devices outlives both, as in a database."""

    def __init__(
        self, port: int, *, prefix: str = "eu868", tls: Any = None, session_expiry_s: int = 0
    ) -> None:
        self._port, self._prefix, self._tls = port, prefix, tls
        self._expiry_s = session_expiry_s
        self.devices: dict[int, Device] = {}
        self.counts: Counter[str] = Counter()
        self.statistics: list[gw.GatewayStats] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        """What its applications were told, as its integrations word it: ``up``."""
        self.skip_fcnt_check = False
        """Its devices may send a counter again: it is published again."""
        self.processes = True
        """False: it is subscribed and does nothing with what it gets."""
        self._collecting: dict[bytes, list[gw.UplinkFrame]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: asyncio.Task[None] | None = None
        self._client: aiomqtt.Client | None = None
        self._subscribed = asyncio.Event()

    async def start(self) -> None:
        """Connect and subscribe."""
        self._subscribed.clear()
        self._serving = asyncio.create_task(self._serve())
        async with asyncio.timeout(60):
            await self._subscribed.wait()

    async def stop(self) -> None:
        """End at once, as a process that is killed: what is being collected is gone."""
        for task in [*self._tasks, *([self._serving] if self._serving else [])]:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._collecting.clear()

    async def _serve(self) -> None:
        while True:
            try:
                await self._session()
            except aiomqtt.MqttError:
                await asyncio.sleep(0.2)  # the real one waits 1 s between attempts

    async def _session(self) -> None:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._expiry_s
        client = aiomqtt.Client(
            "127.0.0.1",
            self._port,
            protocol=aiomqtt.ProtocolVersion.V5,
            identifier="chirpstack-1",
            clean_start=False,
            properties=properties,
            tls_context=self._tls,
        )
        async with client:
            self._client = client
            await client.subscribe(f"{SHARED}{self._prefix}/gateway/+/event/+", qos=1)
            self._subscribed.set()
            async for message in client.messages:
                self._event(message.topic.value.rpartition("/")[2], bytes(message.payload))

    def _event(self, event: str, payload: bytes) -> None:
        self.counts[event] += 1
        if not self.processes:
            return
        if event == "up":
            self._collect(gw.UplinkFrame.FromString(payload))
        elif event == "stats":
            self.statistics.append(gw.GatewayStats.FromString(payload))

    def _collect(self, uplink: gw.UplinkFrame) -> None:
        key = uplink.phy_payload + uplink.tx_info.SerializeToString(deterministic=True)
        if key in self._collecting:
            self._collecting[key].append(uplink)
            return
        self._collecting[key] = [uplink]
        task = asyncio.create_task(self._deduplicated(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deduplicated(self, key: bytes) -> None:
        await asyncio.sleep(DEDUPLICATION_S)
        copies = self._collecting.pop(key)
        self.counts["copies"] += len(copies) - 1
        frame = parse_phy(copies[0].phy_payload)
        device = self.devices.get(frame.dev_addr) if isinstance(frame, DataUp) else None
        if not isinstance(frame, DataUp) or device is None:
            self.counts["unknown"] += 1
            return
        counter = frame.fcnt
        expected = data_mic(
            device.key, encode_without_mic(frame), direction=UP, address=frame.dev_addr, counter=counter
        )
        if expected != frame.mic:
            self.counts["mic"] += 1
        elif counter >= device.next_up or self.skip_fcnt_check:
            device.next_up = max(device.next_up, counter + 1)
            device.published.append(counter)
            self.events.append(("up", _event(frame, [one.rx_info.gateway_id for one in copies])))
            if frame.confirmed:
                await self._acknowledge(frame, device, copies[0])
        elif counter == device.next_up - 1:
            device.retransmissions += 1
        else:
            device.resets += 1

    async def _acknowledge(self, frame: DataUp, device: Device, uplink: gw.UplinkFrame) -> None:
        down = DataDown(dev_addr=frame.dev_addr, fcnt=device.next_down, fctrl=0x20)
        mic = data_mic(
            device.key,
            encode_without_mic(down),
            direction=DOWN,
            address=frame.dev_addr,
            counter=device.next_down,
        )
        device.next_down += 1
        asked = gw.DownlinkFrame(downlink_id=self.counts["down"], gateway_id=uplink.rx_info.gateway_id)
        self.counts["down"] += 1
        for frequency, delay_us in ((uplink.tx_info.frequency, 1_000_000), (869_525_000, 2_000_000)):
            item = asked.items.add(phy_payload=encode_data(down)[:-4] + mic)
            item.tx_info.frequency, item.tx_info.power = frequency, 14
            lora = item.tx_info.modulation.lora
            lora.bandwidth, lora.spreading_factor, lora.polarization_inversion = 125_000, 7, True
            item.tx_info.timing.delay.delay.FromMicroseconds(delay_us)
            item.tx_info.context = uplink.rx_info.context
        topic = f"{self._prefix}/gateway/{uplink.rx_info.gateway_id}/command/down"
        assert self._client is not None
        await self._client.publish(topic, asked.SerializeToString(), qos=1)


def _event(frame: DataUp, gateways: list[str]) -> dict[str, Any]:
    """Return the fields of an uplink event that are read here (``time`` is absent: it is now)."""
    return {
        "deviceInfo": {"devEui": f"{frame.dev_addr:016x}"},
        "devAddr": f"{frame.dev_addr:08x}",
        "fCnt": frame.fcnt,
        "rxInfo": [{"gatewayId": eui} for eui in gateways],
    }


def sealed(key: bytes, address: int, counter: int, *, payload: bytes = b"hello") -> bytes:
    """Return an unconfirmed uplink that a device with ``key`` would send."""
    frame = DataUp(dev_addr=address, fcnt=counter, fport=1, frm_payload=payload)
    message = encode_without_mic(frame)
    return message + data_mic(key, message, direction=UP, address=address, counter=counter)
