"""A storm of false last wills, and our own broker ended by SIGTERM and by SIGKILL: no false outage, no page.

Real parts in real time: Debian's Mosquitto with mutual TLS, `passerelle fleet serve`, and a hundred gateways,
each an MQTT client of its own with its own last will.  It runs as a process of its own, beside the parts that
do not mind.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from demo.light import load_communes, plan_light
from demo.ports import free_port
from fleet.broker.mosquitto import let_one_speak_for_many
from fleet.cli import commands
from fleet.cli.exchange import import_file
from passerelle.benches.incidents.gateways import Gateways, Listener, wait_until
from passerelle.figures import Figure

GATEWAYS = 100
DOWN_S = 10.0
BETWEEN_S = 45.0
"""All are back after 20 s at most, and have beaten once more."""

AFTER_S = 125.0
"""Longer than the 90 s that confirm a silence and the 120 s that our own blindness lasts after recovery."""

START_LIMIT_S = 120.0
RUN_LIMIT_S = 900.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of it."""

    wills: int
    incidents: int
    pages: int


@dataclass(slots=True)
class _Running:
    """The processes under measurement."""

    folder: Path
    broker_port: int
    web_port: int
    broker: subprocess.Popen[bytes] | None = None

    def start_broker(self) -> None:
        """Start Mosquitto and wait until it listens."""
        configuration = self.folder / "mosquitto" / "mosquitto.conf"
        let_one_speak_for_many(configuration)
        command = ["mosquitto", "-c", str(configuration)]
        self.broker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("the broker", self._listens, START_LIMIT_S)

    def _listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.broker_port), timeout=1):
            return True
        return False

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

    def serving(self) -> bool:
        """Return whether every gateway serves."""
        with suppress(httpx.HTTPError):
            found = self.get(f"/api/v1/gateways?limit={2 * GATEWAYS}")["items"]
            return len(found) >= GATEWAYS and all(one["state"] == "SERVING" for one in found)
        return False


def begin() -> "subprocess.Popen[str] | None":
    """Start the measurement beside this process; None where there is no Mosquitto."""
    if shutil.which("mosquitto") is None:
        return None
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def figures(process: "subprocess.Popen[str] | None") -> list[Figure]:
    """Wait for the measurement and return its figures."""
    seen, how = None, "mosquitto is not installed"
    if process is not None:
        told, _ = process.communicate(timeout=RUN_LIMIT_S)
        seen = Seen(**json.loads(told)) if process.returncode == 0 else None
        how = (
            f"{GATEWAYS} MQTT clients with last wills: all cut at once, then Mosquitto SIGTERM, then SIGKILL,"
            f" {DOWN_S:.0f} s down each; real time"
        )
    return [
        Figure(
            name="false last wills that the broker told",
            value=None if seen is None else seen.wills,
            unit="",
            target=GATEWAYS,
            better="higher",
            how=how,
        ),
        Figure(
            name="false outages over a storm of wills and two broker restarts",
            value=None if seen is None else seen.incidents,
            unit="",
            target=0,
            how=how,
        ),
        Figure(
            name="pages over a storm of wills and two broker restarts",
            value=None if seen is None else seen.pages,
            unit="",
            target=0,
            how="tickets and messages in the outbox",
        ),
    ]


def measure() -> Seen:
    """Do it."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "fleet"
        running = _Running(folder, free_port(), free_port())
        light = plan_light(GATEWAYS, load_communes(None, GATEWAYS))
        _found(running, light.document, [gateway.eui for gateway in light.gateways])
        running.start_broker()
        fleet = _serve(running)
        gateways = Gateways(light.gateways, running.broker_port, folder / "keys")
        listener = Listener(running.broker_port, folder / "keys")
        gateways.start()
        try:
            wait_until("every gateway SERVING", running.serving, START_LIMIT_S)
            listener.wills = 0
            gateways.cut()
            time.sleep(BETWEEN_S)
            for number, wait_s in ((signal.SIGTERM, BETWEEN_S), (signal.SIGKILL, AFTER_S)):
                running.stop_broker(number)
                time.sleep(DOWN_S)
                running.start_broker()
                time.sleep(wait_s)
            assert gateways.connected() == GATEWAYS
            return _count(running, listener.wills)
        finally:
            listener.stop()
            gateways.stop()
            fleet.terminate()
            fleet.wait()
            running.stop_broker(signal.SIGTERM)


def _found(running: _Running, plan: dict[str, object], euis: list[str]) -> None:
    commands.init(running.folder, public_url="", broker=f"127.0.0.1:{running.broker_port}")
    people = {"technicians": [{"name": "Anne Martin", "email": "anne@example.fr"}]}
    document = running.folder / "light.json"
    document.write_text(json.dumps(plan | people))
    import_file(running.folder, document, dry_run=False)
    commands.accept(running.folder, euis)


def _serve(running: _Running) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtts://127.0.0.1:{running.broker_port}"}
    command = [sys.executable, "-m", "passerelle", "fleet", "serve", "--data", str(running.folder)]
    command += ["--open-access", "--port", str(running.web_port)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _count(running: _Running, wills: int) -> Seen:
    incidents = running.get("/api/v1/incidents?state=all")["incidents"]
    tickets = running.get("/api/v1/tickets?state=all")["tickets"]
    messages = 0
    for ticket in tickets:
        shown = ticket["ticket"]
        number = shown["id"] if isinstance(shown, dict) else 0
        messages += len(running.get(f"/api/v1/tickets/{number}")["notifications"])
    return Seen(wills=wills, incidents=len(incidents), pages=len(tickets) + messages)


def main() -> None:
    """Measure and print what came of it, for ``figures``."""
    print(json.dumps(asdict(measure())))
