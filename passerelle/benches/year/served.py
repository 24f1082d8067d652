"""`fleet serve` on a year of data, with its broker and every gateway's heartbeats; what each thing takes."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from agent.wire import topics
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from demo.ports import free_port
from fleet.cli import commands
from fleet.facts.months import month_of

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
INTERVAL_S = 30
START_LIMIT_S, CLOSE_LIMIT_S, ANSWER_LIMIT_S, STOP_S = 180, 600, 300, 40
CHILDREN_EVERY_S = 0.05
_CLOSED = re.compile(r"event='?month_closed.*took_ms=(\d+)")
_COVERED = re.compile(r"event='?coverages_frozen.*took_ms=(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """The newest heartbeat of one gateway in the data."""

    boot: int
    seq: int
    uptime_ms: int
    at_us: int
    journal_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one answer took."""

    path: str
    took_s: float
    memory_mb: float


class Served:
    """The process, its broker and its gateways."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lives: dict[str, Life] = {}
        """By EUI, how each gateway goes on."""
        self.closed = ""
        """The month that this process closes."""
        self.port, self._broker_port = free_port(), free_port()
        self._log = folder.parent / "serve.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._stopping = threading.Event()
        self._children_mb = 0.0
        """Highest since ``_forget_peak``, of all children of the process together."""
        commands.init(
            folder, public_url=f"http://127.0.0.1:{self.port}", broker=f"127.0.0.1:{self._broker_port}"
        )

    def __enter__(self) -> Self:
        conf = self.folder.parent / "plain.conf"
        conf.write_text(
            f"listener {self._broker_port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 500000\n"
        )
        self._processes.append(subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stderr=subprocess.DEVNULL))
        time.sleep(1)
        for body in (self._beat, self._watch_children):
            threading.Thread(target=body, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for process in reversed(self._processes):
            _end(process)

    def start(self) -> float:
        """Start it and return how many seconds its first cycle took to come."""
        began = time.monotonic()
        arguments = ("fleet", "serve", "--data", str(self.folder), "--port", str(self.port), "--open-access")
        environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtt://127.0.0.1:{self._broker_port}"}
        with self._log.open("ab") as log:
            self._fleet = subprocess.Popen(
                [sys.executable, "-m", "passerelle", *arguments], env=environment, stdout=log, stderr=log
            )
        self._processes.append(self._fleet)
        while time.monotonic() - began < START_LIMIT_S:
            if self._health().get("cycles", 0) >= 1:
                return time.monotonic() - began
            time.sleep(0.1)
        raise RuntimeError(f"fleet serve: no cycle within {START_LIMIT_S} s\n{self._log.read_text()[-2000:]}")

    def restart(self) -> float:
        """Stop it in good order, start it, and return what the start took."""
        _end(self._processes.pop())
        return self.start()

    def memory_mb(self) -> float:
        """Return what the process holds."""
        return self._status("VmRSS")

    def cycles(self) -> tuple[float, int]:
        """Return an instant and the cycles until then."""
        return time.monotonic(), int(self._health()["cycles"])

    def cycles_since(self, before: tuple[float, int]) -> float:
        """Return cycles a second since then."""
        at_s, count = self.cycles()
        return (count - before[1]) / (at_s - before[0])

    def close_month(self) -> tuple[float, float]:
        """Wait for the month that is due; return what closing it took, and the highest memory meanwhile."""
        return self._done(_CLOSED)

    def coverers(self) -> tuple[float, float]:
        """Wait until who hears the month's sensors is known; return the same of that."""
        return self._done(_COVERED)

    def _done(self, event: re.Pattern[str]) -> tuple[float, float]:
        self._forget_peak()
        began = time.monotonic()
        while time.monotonic() - began < CLOSE_LIMIT_S:
            if found := event.search(self._log.read_text(errors="replace")):
                return int(found[1]) / 1000, self._peak_mb()
            time.sleep(0.5)
        raise RuntimeError(f"no {event.pattern} within {CLOSE_LIMIT_S} s\n{self._log.read_text()[-2000:]}")

    def pages(self, month: str) -> list[Page]:
        """Ask for everything that a year of data makes heavy; ``month`` is closed."""
        found = []
        for path in _paths(month, month_of(time.time_ns() // 1000), next(iter(self.lives))):
            self._forget_peak()
            began = time.monotonic()
            status = self._get(path)[0]
            took_s = time.monotonic() - began
            if status != 200:
                raise RuntimeError(f"GET {path}: {status}")
            found.append(Page(path=path, took_s=took_s, memory_mb=self._peak_mb()))
        return found

    def _status(self, name: str) -> float:
        text = Path(f"/proc/{self._fleet.pid}/status").read_text()
        return next(int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith(f"{name}:"))

    def _peak_mb(self) -> float:
        """Return the highest of the process and of its children, added: no less than their sum."""
        return self._status("VmHWM") + self._children_mb

    def _watch_children(self) -> None:
        while not self._stopping.wait(CHILDREN_EVERY_S):
            with contextlib.suppress(psutil.Error, AttributeError):  # it ended, or has not started
                children = psutil.Process(self._fleet.pid).children(recursive=True)
                held_mb = sum(one.memory_info().rss for one in children) / (1 << 20)
                self._children_mb = max(self._children_mb, held_mb)

    def _forget_peak(self) -> None:
        """Let VmHWM begin anew (proc(5), ``clear_refs``), and what is known of children."""
        self._children_mb = 0.0
        Path(f"/proc/{self._fleet.pid}/clear_refs").write_text("5")

    def _health(self) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError):
            health: dict[str, Any] = json.loads(self._get("/healthz")[1])
            return health
        return {}

    def _get(self, path: str) -> tuple[int, bytes]:
        with contextlib.closing(HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT_S)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def _beat(self) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="gateways")
        client.connect("127.0.0.1", self._broker_port)
        client.loop_start()
        began, second = time.monotonic(), 0
        while not self._stopping.is_set():
            for eui, life in islice(self.lives.items(), second % INTERVAL_S, None, INTERVAL_S):
                client.publish(topics.topic(eui, topics.HEALTH), encode(_heartbeat(life)))
            second += 1
            time.sleep(max(0.0, began + second - time.monotonic()))
        client.loop_stop()


def _paths(month: str, present: str, eui: str) -> list[str]:
    """Return what is asked of a closed month, of the present one, and of the network."""
    reports = "/api/v1/reports"
    return [
        *("/", "/mur", "/passerelles", f"/passerelles/{eui}", "/communes", "/communes/00000"),
        *("/incidents", "/registre", "/journal", "/statistiques", "/objets", "/carte/territoire.json"),
        *(f"/api/v1/availability?month={present}&by={by}" for by in ("gateway", "commune", "whole")),
        *(f"/rapports/{present}", f"{reports}/monthly/{present}.pdf", f"/api/v1/connectivity?month={month}"),
        *("/rapports", f"/rapports/{month}", f"/rapports/{month}/v1/chiffres.json"),
        f"/rapports/{month}/v1/faits.ndjson",
        *(f"/api/v1/availability?month={month}&by={by}" for by in ("gateway", "commune", "epci")),
        *(f"{reports}/monthly/{month}.{form}" for form in ("csv", "xlsx", "pdf")),
        f"{reports}/contest/{month}.zip",
        *("/api/v1/gateways?limit=1000", "/api/v1/communes?limit=1000"),
    ]


def _heartbeat(life: Life) -> Heartbeat:
    """Return the next heartbeat of a gateway that lived on while nobody looked."""
    now_us = time.time_ns() // 1000
    beats = (now_us - life.at_us) // (INTERVAL_S * 1_000_000)
    seq = life.seq + beats
    return Heartbeat(
        boot=life.boot,
        seq=seq,
        uptime_ms=life.uptime_ms + beats * INTERVAL_S * 1000,
        journal_seq=life.journal_seq,
        at_us=life.at_us + beats * INTERVAL_S * 1_000_000,
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


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)
