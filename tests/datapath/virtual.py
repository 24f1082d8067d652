"""A clock that tests move, a concentrator that tests feed, and a UDP server that answers."""

import asyncio
import json
import threading
from collections import deque
from dataclasses import dataclass, field

from agent.record import Record, record_of
from agent.timing.choice import Reading
from agent.timing.utc import LEAP_SECONDS
from agent.wire.messages import TimeQuality
from hal.errors import HalError, OurMistake
from hal.fault import Fault
from hal.packets import (
    ConcentratorStatus,
    Crc,
    Lora,
    ReceivedFrame,
    Spectrum,
    Transmission,
    TxState,
)
from hal.units import Dbm, Hz, Micros

JUNE_2024_US = 1_717_200_000_000_000


@dataclass
class ManualClock:
    now_us: int = 1_000_000
    offset_us: int = JUNE_2024_US
    trusted: TimeQuality = TimeQuality.NTP

    def monotonic_us(self) -> int:
        return self.now_us

    def utc_us(self) -> int:
        return self.now_us + self.offset_us

    def quality(self) -> TimeQuality:
        return self.trusted

    def leap_s(self) -> int:
        return LEAP_SECONDS

    def accept(self, reading: Reading) -> None:
        self.trusted, self.offset_us = reading.quality, reading.utc_minus_monotonic_us


def data_up(dev_addr: int = 0x26011BDA, fcnt: int = 1) -> bytes:
    return (
        b"\x40"
        + dev_addr.to_bytes(4, "little")
        + b"\x00"
        + fcnt.to_bytes(2, "little")
        + b"\x01hello"
        + bytes(4)
    )


def join_request() -> bytes:
    return bytes(23)


def received(payload: bytes, counter_us: int = 0, *, crc: Crc = Crc.OK, sf: int = 7) -> ReceivedFrame:
    return ReceivedFrame(
        payload=payload,
        modulation=Lora(sf=sf),
        frequency_hz=Hz(868_100_000),
        counter_us=Micros(counter_us),
        rf_chain=0,
        if_channel=2,
        crc=crc,
        rssi_channel_dbm=Dbm(-80.4),
        rssi_signal_dbm=Dbm(-82.0),
        snr_db=7.25,
    )


def record(
    record_id: int, payload: bytes | None = None, *, monotonic_us: int = 0, boot: int = 1, **changes: object
) -> Record:
    made = record_of(
        received(data_up(fcnt=record_id & 0xFFFF) if payload is None else payload, counter_us=monotonic_us),
        record_id=record_id,
        received_at_us=JUNE_2024_US + monotonic_us,
        time_quality=TimeQuality.NTP,
        boot=boot,
        monotonic_us=monotonic_us,
        session=1,
    )
    return (
        made
        if not changes
        else Record(**({name: getattr(made, name) for name in made.__struct_fields__} | changes))
    )


@dataclass
class VirtualConcentrator:
    """Implements ``hal.ports.Concentrator`` on any clock; ``inject`` from any thread."""

    clock: object
    eui: str = "0016c001f12a3b4c"
    frames: deque[ReceivedFrame] = field(default_factory=deque)
    sent: list[Transmission] = field(default_factory=list)
    failure: HalError | None = None
    started: int = 0
    stopped: int = 0
    calls: int = 0
    fault: Fault | None = None
    frozen_at_us: int | None = None
    tx: TxState = TxState.EMITTING
    running: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(self, payload: bytes, *, crc: Crc = Crc.OK) -> int:
        counter_us = self.clock.monotonic_us()
        with self.lock:
            self.frames.append(received(payload, counter_us, crc=crc))
        return counter_us

    def _call(self) -> None:
        self.calls += 1
        if self.failure is not None:
            raise self.failure

    def start(self) -> None:
        self._call()
        self.started += 1
        self.running = True

    def stop(self) -> None:
        self.stopped += 1
        self.running = False

    def receive(self) -> list[ReceivedFrame]:
        self._call()
        with self.lock:
            taken, self.frames = list(self.frames), deque()
        return taken

    def transmit(self, transmission: Transmission) -> None:
        self._call()
        self.sent.append(transmission)

    def tx_state(self, rf_chain: int) -> TxState:
        return self.tx

    def abort(self, rf_chain: int) -> None:
        return None

    def status(self) -> ConcentratorStatus:
        self._call()
        return ConcentratorStatus(
            counter_us=self.counter_us(),
            agc_status=0x10,
            agc_parity_ok=True,
            arb_parity_ok=True,
            receiving=self.fault is None,
            fault=self.fault,
            temperature_c=31.5,
        )

    def counter_us(self) -> Micros:
        return Micros(self.clock.monotonic_us() if self.frozen_at_us is None else self.frozen_at_us)

    def trigger_counter_us(self) -> Micros:
        return self.counter_us()

    def temperature_c(self) -> float | None:
        return 31.5

    def spectral_scan(self, frequency_hz: Hz) -> Spectrum:
        raise OurMistake("needs an SX1261 that the settings enable", where="spectral scan")


class UdpServer(asyncio.DatagramProtocol):
    """A network server over Semtech UDP: acknowledges while ``answering``, keeps what it got."""

    def __init__(self) -> None:
        self.answering = True
        self.frames: list[dict[str, object]] = []
        self.stats: list[dict[str, object]] = []
        self.tx_acks: list[tuple[int, bytes]] = []
        self.gateway: tuple[str, int] | None = None
        self.arrived = asyncio.Event()
        self.port = 0

    async def listen(self, port: int = 0) -> "UdpServer":
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]
        return self

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        kind = data[3]
        if kind == 0 and self.answering:
            body = json.loads(data[12:])
            self.frames += body.get("rxpk", [])
            self.stats += [body["stat"]] if "stat" in body else []
            self.transport.sendto(data[:3] + b"\x01", addr)
        elif kind == 2:
            self.gateway = addr
            if self.answering:
                self.transport.sendto(data[:3] + b"\x04", addr)
        elif kind == 5:
            self.tx_acks.append((int.from_bytes(data[1:3], "big"), data[12:]))
        self.arrived.set()

    def downlink(self, txpk: dict[str, object], token: int = 7) -> None:
        assert self.gateway is not None
        body = json.dumps({"txpk": txpk}).encode()
        self.transport.sendto(bytes((2,)) + token.to_bytes(2, "big") + b"\x03" + body, self.gateway)

    async def until(self, condition: object, timeout_s: float = 90.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self.arrived.clear()
                try:
                    async with asyncio.timeout(0.05):
                        await self.arrived.wait()
                except TimeoutError:
                    continue
