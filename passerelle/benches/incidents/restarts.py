"""Our own broker restarted, by SIGTERM and by SIGKILL, under a fleet that watches: no false outage, no page.

Real parts in real time: Debian's Mosquitto with mutual TLS, `passerelle fleet serve`, and a hundred gateways
that beat every 30 s.  Their last words are lost with it; what is measured is what the fleet makes of it.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiomqtt
import httpx

from demo.light import LightBeats, load_communes, plan_light
from fleet import commands
from fleet.registry.exchange import import_file
from passerelle.figures import Figure

GATEWAYS = 100
DOWN_S = 10.0
BETWEEN_S = 50.0
AFTER_S = 130.0
"""Longer than the 90 s that confirm a silence and the 120 s that our own blindness lasts after recovery."""

SERVING_LIMIT_S = 90.0
RETRY_S = 1.0


@dataclass(slots=True)
class _Running:
    """The processes under measurement."""

    folder: Path
    broker_port: int
    web_port: int
    broker: subprocess.Popen[bytes] | None = None

    @property
    def configuration(self) -> Path:
        return self.folder / "mosquitto" / "mosquitto.conf"

    def start_broker(self) -> None:
        """Start Mosquitto and wait until it listens."""
        command = ["mosquitto", "-c", str(self.configuration)]
        self.broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _wait_port(self.broker_port)

    def stop_broker(self, number: int) -> None:
        """End Mosquitto by a signal."""
        assert self.broker is not None
        self.broker.send_signal(number)
        self.broker.wait()

    def get(self, path: str) -> dict[str, list[dict[str, object]]]:
        """Return what the fleet's API says."""
        answer = httpx.get(f"http://127.0.0.1:{self.web_port}{path}", timeout=10)
        answer.raise_for_status()
        found: dict[str, list[dict[str, object]]] = answer.json()
        return found


def figures() -> list[Figure]:
    """Return how many incidents and messages two restarts made."""
    names = ("false outages over two broker restarts", "pages over two broker restarts")
    if shutil.which("mosquitto") is None:
        return [
            Figure(name=name, value=None, unit="", target=0, how="mosquitto is not installed")
            for name in names
        ]
    with TemporaryDirectory() as folder:
        incidents, pages = _measure(Path(folder) / "fleet")
    how = f"Mosquitto SIGTERM, then SIGKILL, {DOWN_S:.0f} s down each, {GATEWAYS} gateways, real time"
    return [
        Figure(name=name, value=value, unit="", target=0, how=how)
        for name, value in zip(names, (incidents, pages), strict=True)
    ]


def _measure(folder: Path) -> tuple[int, int]:
    running = _Running(folder, _free_port(), _free_port())
    commands.init(folder, public_url="", broker=f"127.0.0.1:{running.broker_port}")
    light = plan_light(GATEWAYS, load_communes(None, GATEWAYS))
    document = folder / "light.json"
    document.write_text(json.dumps(light.document))
    import_file(folder, document, dry_run=False)
    commands.accept(folder, [gateway.eui for gateway in light.gateways])
    running.start_broker()
    environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtts://127.0.0.1:{running.broker_port}"}
    command = [sys.executable, "-m", "passerelle", "fleet", "serve", "--data", str(folder), "--open-access"]
    command += ["--port", str(running.web_port)]
    fleet = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stop = threading.Event()
    beats = LightBeats(light, running.broker_port, folder / "keys")
    thread = threading.Thread(target=lambda: asyncio.run(_beat(beats, stop)), daemon=True)
    thread.start()
    try:
        _wait_serving(running)
        _restarts(running)
        return _count(running)
    finally:
        stop.set()
        fleet.terminate()
        fleet.wait()
        running.stop_broker(signal.SIGTERM)
        thread.join(timeout=5)


def _restarts(running: _Running) -> None:
    for number, wait_s in ((signal.SIGTERM, BETWEEN_S), (signal.SIGKILL, AFTER_S)):
        running.stop_broker(number)
        time.sleep(DOWN_S)
        running.start_broker()
        time.sleep(wait_s)


def _count(running: _Running) -> tuple[int, int]:
    found = running.get("/api/v1/incidents?state=all")["incidents"]
    tickets = running.get("/api/v1/tickets?state=all")["tickets"]
    return len(found), len(tickets)


async def _beat(beats: LightBeats, stop: threading.Event) -> None:
    while not stop.is_set():
        with suppress(aiomqtt.MqttError):
            task = asyncio.ensure_future(beats.run())
            while not task.done() and not stop.is_set():
                await asyncio.sleep(RETRY_S)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.sleep(RETRY_S)


def _wait_serving(running: _Running) -> None:
    limit = time.monotonic() + SERVING_LIMIT_S
    while time.monotonic() < limit:
        with suppress(httpx.HTTPError):
            found = running.get(f"/api/v1/gateways?limit={2 * GATEWAYS}")["items"]
            if len(found) >= GATEWAYS and all(one["state"] == "SERVING" for one in found):
                return
        time.sleep(1)
    raise TimeoutError(f"not every gateway is SERVING after {SERVING_LIMIT_S:.0f} s")


def _wait_port(port: int) -> None:
    limit = time.monotonic() + SERVING_LIMIT_S
    while time.monotonic() < limit:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on {port}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
