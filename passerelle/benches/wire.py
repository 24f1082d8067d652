"""Bytes between one gateway and the fleet in a day, over a real Mosquitto with mTLS.

A virtual day of heartbeats goes through the agent's own ``Link``.  Payload and TLS bytes are those of the
whole day; segments are counted by the kernel (TCP_INFO) on a sample in which each heartbeat is acknowledged
before the next one leaves, as heartbeats 30 s apart are, and then taken for the day.
"""

import asyncio
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import load_pem_x509_csr

from agent.clock import SystemClock
from agent.health.beat import VITALS_EVERY, heartbeat
from agent.health.details import DETAILS_EVERY_S
from agent.host.details import machine_details
from agent.host.vitals import Vitals
from agent.identity import Identity
from agent.journal.store import EVENT, Outbox
from agent.link.mqtt import PING_EVERY_S, Link
from agent.link.tcp import HEADERS_BYTES, TcpInfo, tcp_info
from agent.observation import ConnectorState, DataPathState
from agent.wire import reasons
from agent.wire.configuration import FleetConfig
from agent.wire.messages import (
    ConfigReported,
    ConfigState,
    Heard,
    Heartbeat,
    Noted,
    Radio,
    TimeQuality,
    encode,
)
from demo.ports import free_port
from fleet.clock import SystemClock as FleetClock
from fleet.identity.foundation import found_keys, write_broker_files
from passerelle.figures import Figure

EUI = "0016c001f12a3b4c"
DAY_BEATS = 2_880
SAMPLE_BEATS = 200
DAY_S = 86_400
MB = 1_000_000
STARTED_US = 1_790_000_000_000_000
SKETCHED_ADDRESSES = 560
"""300,000 sensors (MISSION), each heard by three of 1,615 gateways."""
PING_BYTES = 2 * (2 + 22)
"""PINGREQ and PINGRESP, each in a TLS 1.3 record (5 header, 1 type, 16 tag)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One kind of day."""

    payload_bytes: int
    heartbeat_wire_bytes: float
    session_wire_bytes: int
    sketches_wire_bytes: int
    details_wire_bytes: float


def measure() -> list[Figure]:
    """Return the figures of an idle day and of a day at 2 frames/s."""
    idle = _measure(frames_per_s=0)
    busy = _measure(frames_per_s=2)
    return [*_figures("idle day", idle), *_figures("day at 2 frames/s", busy), *_sketch_figures(idle)]


def _figures(name: str, day: Measured) -> list[Figure]:
    pings = DAY_S / PING_EVERY_S * (PING_BYTES + 3 * HEADERS_BYTES)
    everything = day.heartbeat_wire_bytes + day.session_wire_bytes + day.details_wire_bytes + pings
    return [
        Figure(
            name=f"heartbeat payload, {name}",
            value=day.payload_bytes / MB,
            unit="MB/day",
            target=0.15,
            how=f"{DAY_BEATS} heartbeats, MQTT payload, vitals every {VITALS_EVERY}th",
        ),
        Figure(
            name=f"heartbeats on the wire, {name}",
            value=(day.heartbeat_wire_bytes + pings) / MB,
            unit="MB/day",
            target=0.7,
            how=f"MQTT, TLS, TCP, IP headers both ways, pings; {SAMPLE_BEATS} sampled by TCP_INFO",
        ),
        Figure(
            name=f"all to the fleet on the wire, {name}",
            value=everything / MB,
            unit="MB/day",
            target=None,
            how="the same, one TLS session and the details of 15 min; without the members' frames",
        ),
    ]


def _sketch_figures(day: Measured) -> list[Figure]:
    return [
        Figure(
            name=f"sketches of {SKETCHED_ADDRESSES} addresses, payload",
            value=sum(len(encode(one)) for one in _sketches()) / MB,
            unit="MB/day",
            target=0.1,
            how="one event an address and day, MQTT payload",
        ),
        Figure(
            name=f"sketches of {SKETCHED_ADDRESSES} addresses, on the wire",
            value=day.sketches_wire_bytes / MB,
            unit="MB/day",
            target=None,
            how="the same at QoS 1 with TLS, TCP, IP both ways; loopback joins no segments, a slow line does",
        ),
    ]


def _measure(*, frames_per_s: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder, _broker(Path(folder)) as (identity, port):
        return asyncio.run(_day(Path(folder), identity, port, frames_per_s))


async def _day(folder: Path, identity: Identity, port: int, frames_per_s: int) -> Measured:
    beats = [_beat(number, frames_per_s) for number in range(1, DAY_BEATS + 1)]
    payload = sum(len(encode(beat)) for beat in beats)
    outbox = Outbox(folder / "outbox.db")
    link = _link(identity, port, outbox)
    task = asyncio.create_task(link.run())
    try:
        session = await _settled(link)
        before = session
        for beat in beats[:SAMPLE_BEATS]:
            await link.heartbeat(beat)
            before_wait = await _settled(link)
        sample = before_wait.wire_bytes - before.wire_bytes
        sample_payload = sum(len(encode(beat)) for beat in beats[:SAMPLE_BEATS])
        around = (sample - sample_payload) / SAMPLE_BEATS
        details = await _details_cost(link, outbox, folder)
        sketches = await _sketches_cost(link, outbox)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return Measured(
        payload_bytes=payload,
        heartbeat_wire_bytes=payload + around * DAY_BEATS,
        session_wire_bytes=session.wire_bytes,
        sketches_wire_bytes=sketches,
        details_wire_bytes=details * DAY_S / DETAILS_EVERY_S,
    )


async def _details_cost(link: Link, outbox: Outbox, folder: Path) -> float:
    """Return wire bytes of one message of details, with its PUBACK."""
    before = (await _settled(link)).wire_bytes
    note = Noted(1, 1, STARTED_US, "details", await asyncio.to_thread(machine_details, folder))
    outbox.append(EVENT, [(1, 1, note)])
    while outbox.pending(EVENT):
        await asyncio.sleep(0.01)
    return (await _settled(link)).wire_bytes - before


async def _sketches_cost(link: Link, outbox: Outbox) -> int:
    """Return wire bytes of one day's sketches, with their PUBACKs."""
    before = (await _settled(link)).wire_bytes
    outbox.append(EVENT, [(1, number, one) for number, one in enumerate(_sketches())])
    while outbox.pending(EVENT):
        await asyncio.sleep(0.01)
    return (await _settled(link)).wire_bytes - before


def _sketches() -> list[Heard]:
    return [
        Heard("2026-11-22", f"{0x26000000 + number:08x}", 0xFFFFFF, 24, -97, 7.25, 9)
        for number in range(SKETCHED_ADDRESSES)
    ]


async def _settled(link: Link) -> TcpInfo:
    """Return the kernel's counts once nothing is on its way."""
    while not link.online:
        await asyncio.sleep(0.005)
    while True:
        line = link.line
        assert line is not None
        before = tcp_info(line)
        await asyncio.sleep(0.003)
        if before.unacked_segments == 0 and tcp_info(line) == before:
            return before


def _beat(number: int, frames_per_s: int) -> Heartbeat:
    received = number * 30 * frames_per_s
    lns = ConnectorState(
        name="lns",
        contractual=True,
        up=True,
        reason=reasons.lns.answers(),
        last_answer_us=(number % 10) * 1_000_000,
        queued=0,
    )
    state = DataPathState(
        radio=Radio.RECEIVING,
        radio_reason=reasons.radio.started(eui="0016c001f1370001"),
        radio_since_us=0,
        connectors=(lns,),
        spool_records=number % 3 if frames_per_s else 0,
        spool_accepting=True,
        received=received,
        delivered=received,
        crc_failed=received // 9,
        transmitted=received // 50,
    )
    vitals = Vitals(cpu_percent=3, memory_percent=21, disk_percent=14, temperature_c=47)
    return heartbeat(
        state,
        vitals if number % VITALS_EVERY == 1 else None,
        boot=2**62 + 12345,
        seq=number,
        uptime_ms=(number - 1) * 30_000 + number % 40,
        journal_seq=10 + number // 100,
        at_us=STARTED_US + number * 30_000_000,
        time_quality=TimeQuality.NTP,
        now_us=10_000_000,
        config_version=4,
        interval_s=30,
        backhaul_rtt_ms=48 if number % VITALS_EVERY == 1 else None,
    )


def _link(identity: Identity, port: int, outbox: Outbox) -> Link:
    async def ignore(*_: object) -> None:
        return

    return Link(
        identity=identity,
        boot=1,
        fleet=FleetConfig(host="127.0.0.1", port=port),
        outbox=outbox,
        clock=SystemClock(),
        desired=ignore,
        command=ignore,
        neighbours=lambda _: None,
        reported=lambda: ConfigReported(1, "0" * 64, ConfigState.CONFIRMED, 1, ""),
    )


@contextmanager
def _broker(folder: Path) -> Iterator[tuple[Identity, int]]:
    """Yield an enrolled identity and the port of the fleet's own Mosquitto with mTLS and ACL."""
    now_us = FleetClock().now_us()
    port = free_port()
    authority = found_keys(folder / "fleet", broker_host="127.0.0.1", now_us=now_us).authority
    files = write_broker_files(folder / "fleet", authority, host="127.0.0.1", port=port, now_us=now_us)
    identity = Identity(folder / "identity", eui=EUI)
    csr = load_pem_x509_csr(identity.csr_pem().encode())
    identity.accept(authority.issue_gateway(csr, EUI, now_us).pem, authority.pem)
    process = subprocess.Popen(
        ["/usr/sbin/mosquitto", "-c", str(files.folder / "mosquitto.conf")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield identity, port
    finally:
        process.terminate()
        process.wait(10)
