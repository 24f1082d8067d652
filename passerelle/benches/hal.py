"""Bus traffic, sleeps and CPU of the concentrator driver, measured on the virtual chip.

The reference's figures are read from its recorded transcript beside the repository, where it is there.
"""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from hal import thermometer
from hal.board_files import choose
from hal.open import synthetic_images
from hal.packets import Lora, Transmission, TxTrigger
from hal.sx1302.driver import Sx1302
from hal.sx1302.rx.fifo import FIFO_BYTES, RawPacket, encode, lora_crc16, parse
from hal.tools.listen import POLL_S
from hal.transcript.recorder import RecordedClock, Tape
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.lines.local import ChipClock, LocalBus
from hal.units import Hz, Micros
from hal.wiring import Wiring
from passerelle.figures import Figure

BOARD = "rak2287"
GOLDEN = Path(__file__).resolve().parents[2] / "tests/golden/transcripts/eu868_rak2287.golden.json.gz"
"""This checkout has it; a wheel has no tests, so there the figures of the peer are null."""
PEER = "sx1302_hal 2.1.0 (recorded)"
IDLE_POLLS = 2000
BURSTS = 200
LONGEST_BYTES = 255
SPEED_PACKETS = 2000


class Bench:
    """A started concentrator on a virtual chip in virtual time."""

    def __init__(self) -> None:
        self.chip = VirtualChip(clock=VirtualClock())
        local = LocalBus(self.chip)
        self.clock = RecordedClock(ChipClock(self.chip), Tape())
        wiring = Wiring(
            bus=local,
            clock=self.clock,
            sx1261=local.sx1261,
            find_thermometer=lambda: thermometer.find(local),
        )
        settings = choose(BOARD).settings
        self.driver = Sx1302(wiring, replace(settings, strict_tx=True), synthetic_images())
        self.driver.start()
        self.start_transactions = self.driver.registers.transactions
        self.start_slept_s = self.clock.slept_us / 1e6

    def cost(self, action: Callable[[], object]) -> int:
        """Return the transactions of one action."""
        before = self.driver.registers.transactions
        action()
        return self.driver.registers.transactions - before

    def frames(self, count: int, payload_bytes: int) -> bytes:
        """Return FIFO bytes of that many frames on the eight channels."""
        ticks = self.chip.now_ticks() % (1 << 32)
        return b"".join(_packet(index, payload_bytes, ticks) for index in range(count))

    def receive(self, raw: bytes) -> int:
        """Put bytes into the FIFO and return how many frames come out."""
        if not self.chip.inject_fifo(raw):
            return 0
        return len(self.driver.receive())


def _packet(index: int, payload_bytes: int, ticks: int) -> bytes:
    payload = bytes((index + position) & 0xFF for position in range(payload_bytes))
    return encode(
        RawPacket(
            payload=payload,
            channel=index % 8,
            modem=index % 16,
            crc_present=True,
            coding_rate=1,
            sf=7,
            frequency_error=0,
            rssi_channel=100,
            rssi_signal=100,
            ticks=ticks,
            crc16=lora_crc16(payload),
        )
    )


def measure() -> list[Figure]:
    """Return every figure, each from a concentrator of its own."""
    peers = _reference()
    bench = Bench()
    return [
        _figure(
            "start: transactions",
            bench.start_transactions,
            185,
            peers.get("start"),
            how="16 read the EUI, which the peer's start does not; hal/decisions/0001 says what forbids 150",
        ),
        Figure(name="start: sleeps", value=bench.start_slept_s, unit="s", target=0.7, how=f"board {BOARD}"),
        *_idle(peers),
        _figure("one packet: transactions", _packet_cost(1, 12), 5, peers.get("rx_1_sf7_12B")),
        _figure("16 packets: transactions", _packet_cost(16, 32), 6, peers.get("rx_16_mixed")),
        _figure("timestamped LoRa send: transactions", _send_cost(), 12, peers.get("send_lora_timestamped")),
        *_bursts(),
        _torn(),
        *_processor(),
    ]


def _figure(name: str, value: float, target: float, peer: float | None, how: str = "") -> Figure:
    return Figure(
        name=name, value=value, unit="transactions", target=target, peer=PEER, peer_value=peer, how=how
    )


def _reference() -> dict[str, float]:
    try:
        phases = json.loads(gzip.decompress(GOLDEN.read_bytes()))["phases"]
    except FileNotFoundError:
        return {}
    return {phase["phase"]: float(phase["reference_transactions"]) for phase in phases}


def _idle(peers: dict[str, float]) -> list[Figure]:
    bench = Bench()
    registers = bench.driver.registers
    most = 0
    before, began_us = registers.transactions, bench.clock.monotonic_us()
    for _ in range(IDLE_POLLS):
        most = max(most, bench.cost(bench.driver.receive))
        bench.clock.sleep(POLL_S)
    seconds = (bench.clock.monotonic_us() - began_us) / 1e6
    total = registers.transactions - before
    return [
        _figure("idle poll: transactions, worst", most, 2, peers.get("idle_poll")),
        Figure(
            name="idle: transactions a second",
            value=total / seconds,
            unit="1/s",
            target=40,
            how=f"{IDLE_POLLS} polls every {POLL_S * 1000:.0f} ms of virtual time",
        ),
        Figure(
            name="idle: counter reads", value=total - IDLE_POLLS, unit="", target=2, how=f"in {seconds:.0f} s"
        ),
    ]


def _packet_cost(count: int, payload_bytes: int) -> float:
    bench = Bench()
    received: list[int] = []
    cost = bench.cost(lambda: received.append(bench.receive(bench.frames(count, payload_bytes))))
    return cost if received == [count] else float("inf")


def _send_cost() -> float:
    bench = Bench()
    at_us = Micros(bench.driver.predicted_us() + 100_000)
    transmission = Transmission(
        payload=bytes(17),
        modulation=Lora(sf=9),
        frequency_hz=Hz(868_100_000),
        power_dbm=14,
        trigger=TxTrigger.TIMESTAMPED,
        at_us=at_us,
    )
    return bench.cost(partial(bench.driver.transmit, transmission))


def _bursts() -> list[Figure]:
    """Fill the FIFO to the brim between two polls with the longest frames, many times."""
    bench = Bench()
    one = len(bench.frames(1, LONGEST_BYTES))
    count = FIFO_BYTES // one
    got = sum(bench.receive(bench.frames(count, LONGEST_BYTES)) for _ in range(BURSTS))
    return [
        Figure(
            name="full FIFO bursts of 255-byte frames on 8 channels: lost",
            value=count * BURSTS - got,
            unit="frames",
            target=0,
            how=f"{BURSTS} bursts of {count}",
        )
    ]


def _torn() -> Figure:
    bench = Bench()
    count = 16
    wrong = 0
    for _ in range(BURSTS):
        bench.chip.faults.torn_counter_reads = bench.chip.faults.torn_fifo_counts = 1
        before = bench.driver.counter_us()
        got = bench.receive(bench.frames(count, 32))
        got += len(bench.driver.receive())
        wrong += got != count or not 0 <= bench.driver.counter_us() - before < 1_000_000
    return Figure(
        name="torn reads of count and counters: not covered",
        value=wrong,
        unit="polls",
        target=0,
        how=f"{BURSTS} polls with each read torn once",
    )


def _processor() -> list[Figure]:
    bench = Bench()
    idle = _cpu_us(lambda: [bench.driver.receive() for _ in range(IDLE_POLLS)], IDLE_POLLS)
    chip = _cpu_us(
        lambda: [bench.chip.transfer(bytes((0, 0x58, 0xC8, 0, 0, 0))) for _ in range(IDLE_POLLS)], IDLE_POLLS
    )
    raw = bench.frames(SPEED_PACKETS, 32)
    parsing = _cpu_us(lambda: parse(raw), SPEED_PACKETS)
    batch = bench.frames(16, 32)
    rounds = SPEED_PACKETS // 16
    whole = _cpu_us(lambda: [bench.receive(batch) for _ in range(rounds)], rounds * 16)
    return [
        Figure(
            name="CPU of an idle poll",
            value=max(idle - chip, 0.0),
            unit="us",
            target=None,
            how=f"without the virtual chip's {chip:.1f} us",
        ),
        Figure(name="CPU to parse a packet", value=parsing, unit="us", target=None, how="32 bytes"),
        Figure(
            name="CPU to fetch and decode a packet",
            value=whole,
            unit="us",
            target=None,
            how="16 a poll, the virtual chip included",
        ),
    ]


def _cpu_us(action: Callable[[], object], count: int) -> float:
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        action()
        best = min(best, time.process_time() - began)
    return best / count * 1e6
