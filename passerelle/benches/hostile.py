"""Attacks on the real `fleet serve`, one after the other: what the engine still does, what memory they reach.

Each runs for ``ATTACK_S``, or as long as the caller wants (`make test` moments, `make soak` minutes).
Measured are the engine's cycles a second meanwhile (its own pace is one), the largest memory of the process,
how long after the confirmation the page for a lost commune is out (``lost_commune``; its attack lasts until
then), and whether the hostile gateway was quarantined; then what becomes of the corpus of mails
(``mail_corpus``).  The database is SQLite, or an empty one that PASSERELLE_DATABASE_URL names.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import paho.mqtt.client as paho
import psutil
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import insert, select

from agent.wire import topics
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from demo.ports import free_port
from fleet.cli import commands
from fleet.registry import tables
from fleet.registry.store import accept
from passerelle.benches.lost_commune import PAGE_LIMIT_S, LostCommunes
from passerelle.benches.mail_corpus import mail_figures
from passerelle.figures import Figure

ATTACK_S = float(os.environ.get("PASSERELLE_BENCH_ATTACK_S", "20"))
CYCLES_TARGET_HZ = 0.95
MEMORY_TARGET_MB = 400.0
BEATS_HZ = 50.0
ANSWER_S = 60.0
"""For an answer under attack."""
ATTACKS = 6
QUARANTINED = "quarantined after its attack"
LOGINS = 8
HALF_OPEN = 120
BODY_BYTES = 300_000_000
SHEET_BYTES = 20_000_000
PART = bytes(64 * 1024)
STOP_S = 30
START_LIMIT_S = 120
EUI = "0016c00100000001"
LONG_AGO_US = 1_700_000_000_000_000
MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
Running = Callable[[], bool]


def measure(attack_s: float = ATTACK_S, beats_hz: float = BEATS_HZ, *, paging: bool = True) -> list[Figure]:
    """Run every attack for ``attack_s``, with ``paging`` until a page is out, and return what it did."""
    if MOSQUITTO is None:
        absent = "mosquitto is not installed: apt-get install mosquitto"
        return [Figure(name="cycles", value=None, unit="/s", target=CYCLES_TARGET_HZ, how=absent)]
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="passerelle-bench-")))
        communes = LostCommunes(folder, ATTACKS) if paging else None
        target = stack.enter_context(served(folder, found=communes.found) if communes else served(folder))
        if communes is not None:
            target.communes = communes
            stack.enter_context(communes.beating(target.broker_port))
        attacks = (
            ("nothing", 1, lambda _going: None),
            (
                f"one gateway, {beats_hz:g} heartbeats/s, each a new boot",
                1,
                lambda going: target.beats(going, beats_hz),
            ),
            (f"{LOGINS} anonymous logins in a loop", LOGINS, target.logins),
            (f"{HALF_OPEN} half-open connections", 1, target.half_open),
            (
                "anonymous bodies of 300 MB",
                4,
                lambda going: target.bodies(going, "/api/v1/tickets", BODY_BYTES),
            ),
            ("sheets of 20 MB", 4, lambda going: target.bodies(going, "/api/v1/registry", SHEET_BYTES)),
        )
        figures = [
            figure
            for number, (name, count, attack) in enumerate(attacks)
            for figure in target.under(name, count, attack, attack_s, number)
        ]
        held = target.quarantined()
    quarantined = Figure(name=QUARANTINED, value=held, unit="gateways", target=1, better="higher")
    return [*figures, quarantined, *mail_figures()]


class Target:
    """One fleet manager under attack."""

    def __init__(self, process: psutil.Process, port: int, broker_port: int) -> None:
        self.process, self.port, self.broker_port = process, port, broker_port
        self.communes: LostCommunes | None = None
        """Those of which one is lost under each attack."""

    def under(
        self, name: str, count: int, attack: Callable[[Running], None], attack_s: float, number: int
    ) -> list[Figure]:
        """Return what the engine did under one attack, from ``count`` threads, and the page meanwhile."""
        communes, paged_us = self.communes, None
        ended = threading.Event()
        threads = [threading.Thread(target=attack, args=(lambda: not ended.is_set(),)) for _ in range(count)]
        before, began, memory = self.health(), time.monotonic(), 0
        for thread in threads:
            thread.start()
        if communes is not None:
            communes.lose(number)
        while (past_s := time.monotonic() - began) < attack_s or (
            communes is not None and paged_us is None and past_s < PAGE_LIMIT_S
        ):
            memory = max(memory, self.process.memory_info().rss)
            if communes is not None and paged_us is None and communes.is_paged(number):
                paged_us = time.time_ns() // 1000
            time.sleep(0.1)
        cycles = self._cycles_since(before["cycles"]) / (time.monotonic() - began)
        ended.set()
        for thread in threads:
            thread.join()
        return [
            Figure(
                name=f"cycles under {name}", value=cycles, unit="/s", target=CYCLES_TARGET_HZ, better="higher"
            ),
            Figure(name=f"memory under {name}", value=memory / 1e6, unit="MB", target=MEMORY_TARGET_MB),
            *([] if communes is None else [communes.figure(number, paged_us, name)]),
        ]

    def health(self) -> dict[str, float]:
        """Return what /healthz tells."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        with contextlib.closing(connection):
            connection.request("GET", "/healthz")
            told: dict[str, float] = json.loads(connection.getresponse().read())
            return told

    def _cycles_since(self, before: float) -> float:
        """Return how many cycles ended; on a busy machine the first may take longer than a short attack."""
        until = time.monotonic() + ANSWER_S
        while (cycles := self.health()["cycles"] - before) < 1 and time.monotonic() < until:
            time.sleep(0.1)
        return cycles

    def quarantined(self) -> float:
        """Return how many gateways are quarantined, once one is or what was sent must have been read."""
        until = time.monotonic() + ANSWER_S
        while not (held := self.health()["quarantined"]) and time.monotonic() < until:
            time.sleep(0.1)
        return held

    def beats(self, going: Running, beats_hz: float) -> None:
        """Publish small heartbeats, each of another boot, until the broker has them all."""
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="hostile")
        client.connect("127.0.0.1", self.broker_port)
        client.loop_start()
        boot, began, topic = 0, time.monotonic(), topics.topic(EUI, topics.HEALTH)
        while going():
            boot += 1
            sent = client.publish(topic, encode(beat(boot, time.time_ns() // 1000)), qos=1)
            time.sleep(max(0.0, began + boot / beats_hz - time.monotonic()))
        sent.wait_for_publish(ANSWER_S)
        client.loop_stop()

    def logins(self, going: Running) -> None:
        """Try names that nobody has."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        tries = 0
        while going():
            tries += 1
            form = urlencode({"name": f"n{threading.get_ident()}-{tries}", "password": "x" * 40})
            connection = HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
            with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
                connection.request("POST", "/connexion", form, kind)
                connection.getresponse().read()

    def half_open(self, going: Running) -> None:
        """Keep connections that never send a whole head."""
        opened: list[socket.socket] = []
        while going():
            with contextlib.suppress(OSError):
                opened.append(socket.create_connection(("127.0.0.1", self.port), timeout=1))
                opened[-1].sendall(b"POST /connexion HTTP/1.1\r\nHost: x\r\n")
            if len(opened) >= HALF_OPEN:
                opened.pop(0).close()
            time.sleep(0.01)
        for each in opened:
            each.close()

    def bodies(self, going: Running, path: str, size: int) -> None:
        """Send bodies in pieces without saying how long they are."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        piece = b"%x\r\n%b\r\n" % (len(PART), PART)
        while going():
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), timeout=5) as to,
            ):
                to.sendall(head)
                sent = 0
                while sent < size and going():
                    to.sendall(piece)
                    sent += len(PART)


@contextlib.contextmanager
def served(
    folder: Path,
    *,
    others: Sequence[str] = (),
    arguments: Sequence[str] = (),
    found: Callable[[Path], dict[str, str]] = lambda _data: {},
) -> Iterator[Target]:
    """Serve a fleet of the hostile gateway and others over a plain broker until the end of the block.

    ``found`` adds to its folder and database before, and returns more of its environment.
    """
    data, port, broker_port = folder / "fleet", free_port(), free_port()
    commands.init(data, public_url=f"http://127.0.0.1:{port}", broker=f"127.0.0.1:{broker_port}")
    _register(data, others)
    conf = folder / "plain.conf"
    conf.write_text(f"listener {broker_port} 127.0.0.1\nallow_anonymous true\n")
    environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtt://127.0.0.1:{broker_port}"} | found(data)
    where = ("--data", str(data), "--port", str(port))
    serve = [sys.executable, "-m", "passerelle", "fleet", "serve", *where, *arguments]
    quiet = subprocess.DEVNULL
    broker = subprocess.Popen([str(MOSQUITTO), "-c", str(conf)], stdout=quiet, stderr=quiet)
    fleet = subprocess.Popen(serve, env=environment, stdout=quiet, stderr=quiet)
    try:
        target = Target(psutil.Process(fleet.pid), port, broker_port)
        _until_cycling(target)
        yield target
    finally:
        for process in (fleet, broker):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _register(data: Path, others: Sequence[str]) -> None:
    """Let the hostile gateway be one of ours, and others accepted long ago."""
    _, database = commands.open_fleet(data)
    with contextlib.closing(database), database.write() as connection:
        connection.execute(insert(tables.communes), [{"insee": "37001", "name": "A", "population": 1000}])
        connection.execute(insert(tables.sites), [{"key": "s", "name": "S", "commune_insee": "37001"}])
        site_id = connection.scalar(select(tables.sites.c.id))
        rows = [{"eui": eui, "name": eui, "site_id": site_id} for eui in (EUI, *others)]
        connection.execute(insert(tables.gateways), rows)
        for eui in others:
            accept(connection, eui, at_us=LONG_AGO_US, who="bench", now_us=LONG_AGO_US)


def _until_cycling(target: Target) -> None:
    until = time.monotonic() + START_LIMIT_S
    while time.monotonic() < until:
        with contextlib.suppress(OSError, ValueError):
            if target.health().get("cycles", 0) > 2:
                return
        time.sleep(0.25)
    raise RuntimeError(f"the fleet manager did not start within {START_LIMIT_S} s")


def beat(boot: int, at_us: int) -> Heartbeat:
    """Return the first heartbeat of a boot."""
    return Heartbeat(
        boot=boot,
        seq=1,
        uptime_ms=1_000,
        journal_seq=1,
        at_us=at_us,
        time_quality=TimeQuality.NTP,
        radio=Radio.RECEIVING,
        connectors=(ConnectorBeat("lns", True, 500),),
        spool_records=0,
        spool_accepting=True,
        received=0,
        delivered=0,
        dropped=0,
        config_version=1,
    )
