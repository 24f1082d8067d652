"""Load on 2 cores: 20,000 gateways at 30 s heartbeats through a real broker and the real `fleet serve`.

A generator publishes what the gateways would; the fleet stores it, computes the network every second and
answers pages meanwhile.  Told are the messages stored of those sent, the processor time of the fleet's
process, and the time of answers (DESIGN §11: "dashboard p95 ≤ 100 ms meanwhile").  Broker and generator share
the machine.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.client import HTTPConnection
from pathlib import Path

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import insert

from agent.wire import topics
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from demo.ports import free_port
from fleet.cli import commands
from fleet.registry import tables
from passerelle.figures import Figure

GATEWAYS = int(os.environ.get("PASSERELLE_BENCH_GATEWAYS", "20000"))
COMMUNES_PER_GATEWAY = 1 / 3
INTERVAL_S = 30
WARM_UP_S = 35
"""Each gateway has spoken once before it is accepted, else all of them would be one outage."""
SETTLE_LIMIT_S = 180
"""20,000 gateways accepted in one stroke, as never happens, must have been taken in before."""
MEASURED_S = 30
REQUEST_EVERY_S = 0.25
ANSWER_LIMIT_S = 60
"""A page that takes longer counts as taking this long."""
STOP_S = 30
P95_TARGET_MS = 100.0
HOW = "fleet serve, SQLite, mosquitto on loopback, without TLS; generator on the same machine"
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def measure() -> list[Figure]:
    """Run the load and return what it took."""
    if MOSQUITTO is None:
        absent = "mosquitto is not installed: apt-get install mosquitto"
        return [Figure(name="heartbeats stored", value=None, unit="share", target=1.0, how=absent)]
    with tempfile.TemporaryDirectory(prefix="passerelle-bench-") as folder:
        return _Load(Path(folder)).run()


class _Load:
    """One run: broker, fleet, generator."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "fleet"
        self.broker_port, self.page_port = free_port(), free_port()
        self.sent = 0
        self.euis = [f"0016c001{number:08x}" for number in range(GATEWAYS)]
        self._stopping = threading.Event()

    def run(self) -> list[Figure]:
        commands.init(self.data, public_url=self._url(""), broker=f"127.0.0.1:{self.broker_port}")
        self._register()
        broker, fleet = self._start_broker(), self._start_fleet()
        try:
            self._until_healthy()
            generator = threading.Thread(target=self._generate, daemon=True)
            generator.start()
            time.sleep(WARM_UP_S)
            self._accept()
            self._until_serving()
            return self._measured(psutil.Process(fleet.pid))
        finally:
            self._stopping.set()
            for process in (fleet, broker):
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()

    def _measured(self, fleet: psutil.Process) -> list[Figure]:
        before, cpu_before, sent_before = self._health(), sum(fleet.cpu_times()[:2]), self.sent
        began = time.monotonic()
        took_ms: dict[str, list[float]] = {"/": [], "/api/v1/gateways?limit=100": []}
        cycles_ms = []
        while time.monotonic() - began < MEASURED_S:
            for path, times in took_ms.items():
                asked = time.monotonic()
                self._get(path)
                times.append((time.monotonic() - asked) * 1000)
            cycles_ms.append(self._health().get("cycle_took_us", ANSWER_LIMIT_S * 1e6) / 1000)
            time.sleep(REQUEST_EVERY_S)
        elapsed_s = time.monotonic() - began
        after = self._health()
        cores = (sum(fleet.cpu_times()[:2]) - cpu_before) / elapsed_s
        stored = (after["messages"] - before["messages"]) / max(1, self.sent - sent_before)
        now = self._network()
        return [
            Figure(name="gateways", value=GATEWAYS, unit="", target=None, how=HOW),
            Figure(name="gateways SERVING", value=now, unit="", target=float(GATEWAYS), better="higher"),
            Figure(
                name="heartbeats sent", value=(self.sent - sent_before) / elapsed_s, unit="/s", target=None
            ),
            Figure(
                name="heartbeats stored of sent", value=stored, unit="share", target=0.98, better="higher"
            ),
            Figure(name="waiting in the inbox", value=after["inbox"], unit="messages", target=2_000),
            Figure(name="fleet process", value=cores, unit="cores", target=1.5),
            Figure(name="memory", value=fleet.memory_info().rss / 1e6, unit="MB", target=None),
            Figure(name="cycle, median", value=_quantile(cycles_ms, 0.5), unit="ms", target=None),
            *(
                Figure(name=f"GET {path}, p95", value=_quantile(times, 0.95), unit="ms", target=P95_TARGET_MS)
                for path, times in took_ms.items()
            ),
        ]

    def _generate(self) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="generator")
        client.connect("127.0.0.1", self.broker_port)
        client.loop_start()
        seqs = [0] * GATEWAYS
        second = 0
        began = time.monotonic()
        while not self._stopping.is_set():
            for index in range(second % INTERVAL_S, GATEWAYS, INTERVAL_S):
                seqs[index] += 1
                payload = encode(_beat(seqs[index]))
                client.publish(topics.topic(self.euis[index], topics.HEALTH), payload)
            self.sent = sum(seqs)
            second += 1
            time.sleep(max(0.0, began + second - time.monotonic()))
        client.loop_stop()

    def _register(self) -> None:
        _, database = commands.open_fleet(self.data)
        count = max(1, int(GATEWAYS * COMMUNES_PER_GATEWAY))
        now_us = time.time_ns() // 1000
        rows = [(number, f"{number % count:05d}") for number in range(GATEWAYS)]
        with database.write() as connection:
            communes = [{"insee": f"{n:05d}", "name": f"C{n}", "population": 1000} for n in range(count)]
            connection.execute(insert(tables.communes), communes)
            sites = [
                {"id": n + 1, "key": f"s{n}", "name": f"S{n}", "commune_insee": insee} for n, insee in rows
            ]
            connection.execute(insert(tables.sites), sites)
            gateways = [{"eui": self.euis[n], "name": f"G{n}", "site_id": n + 1} for n, _ in rows]
            connection.execute(insert(tables.gateways), gateways)
            members = [
                {"commune_insee": insee, "eui": self.euis[n], "valid_from_at_us": now_us}
                | {"approved_by": "bench", "recorded_at_us": now_us}
                for n, insee in rows
            ]
            connection.execute(insert(tables.memberships), members)
        database.close()

    def _accept(self) -> None:
        _, database = commands.open_fleet(self.data)
        now_us = time.time_ns() // 1000
        with database.write() as connection:
            facts = [
                {"eui": eui, "kind": "accepted", "at_us": now_us, "recorded_at_us": now_us}
                | {"recorded_by": "bench"}
                for eui in self.euis
            ]
            connection.execute(insert(tables.commissioning), facts)
            connection.execute(tables.gateways.update().values(status="accepted", accepted_at_us=now_us))
        database.close()

    def _start_broker(self) -> "subprocess.Popen[bytes]":
        conf = self.data / "plain.conf"
        conf.write_text(
            f"listener {self.broker_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 500000\n"
        )
        return subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stderr=subprocess.DEVNULL)

    def _start_fleet(self) -> "subprocess.Popen[bytes]":
        environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtt://127.0.0.1:{self.broker_port}"}
        arguments = (
            "fleet",
            "serve",
            "--data",
            str(self.data),
            "--port",
            str(self.page_port),
            "--open-access",
        )
        return subprocess.Popen(
            [sys.executable, "-m", "passerelle", *arguments],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _until_healthy(self) -> None:
        for _ in range(240):
            try:
                if self._health().get("broker_connected"):
                    return
            except OSError:
                pass
            time.sleep(0.25)
        raise RuntimeError("the fleet manager did not start within 60 s")

    def _until_serving(self) -> None:
        until = time.monotonic() + SETTLE_LIMIT_S
        while self._network() < GATEWAYS and time.monotonic() < until:
            time.sleep(5)

    def _network(self) -> int:
        serving, after = 0, ""
        while True:
            page = json.loads(self._get(f"/api/v1/gateways?limit=1000&after={after}"))
            serving += sum(1 for row in page["items"] if row["state"] == "SERVING")
            if page["next"] is None:
                return serving
            after = page["next"]

    def _health(self) -> dict[str, float]:
        told: dict[str, float] = json.loads(self._get("/healthz") or b"{}")
        return told

    def _get(self, path: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.page_port, timeout=ANSWER_LIMIT_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        except TimeoutError:
            return b""
        finally:
            connection.close()

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.page_port}{path}"


def _beat(seq: int) -> Heartbeat:
    return Heartbeat(
        boot=1,
        seq=seq,
        uptime_ms=seq * INTERVAL_S * 1000,
        journal_seq=1,
        at_us=time.time_ns() // 1000,
        time_quality=TimeQuality.NTP,
        radio=Radio.RECEIVING,
        connectors=(ConnectorBeat("lns", True, 500),),
        spool_records=0,
        spool_accepting=True,
        received=seq,
        delivered=seq,
        dropped=0,
        config_version=1,
    )


def _quantile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
