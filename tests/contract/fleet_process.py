"""`passerelle fleet serve` and its broker as processes of their own, to be started, stopped and asked."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo.ports import free_port
from fleet.cli import commands

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
WAIT_LIMIT_S = 120.0
LOOK_EVERY_S = 0.1
STOP_LIMIT_S = 90.0


def until(what: str, look: Callable[[], Any], limit_s: float = WAIT_LIMIT_S) -> Any:
    """Return what ``look`` gives once it is true; fail when it is not within the limit."""
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if found := look():
            return found
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"{what}: not within {limit_s:.0f} s")


class FleetProcess:
    """One founded fleet: its folder, its broker, and the processes that serve it."""

    def __init__(self, folder: Path, *, database_url: str = "", logs: Path | None = None) -> None:
        self.data = folder / "fleet"
        self.broker_port = free_port()
        self.environment = {"PASSERELLE_SMTP_URL": "smtp://127.0.0.1:9"}
        if database_url:
            self.environment["PASSERELLE_DATABASE_URL"] = database_url
        commands.init(self.data, public_url="http://127.0.0.1:1", broker=f"127.0.0.1:{self.broker_port}")
        self.processes: list[subprocess.Popen[bytes]] = []
        self.broker: subprocess.Popen[bytes] | None = None
        self.logs = logs or self.data
        """Where each process of ours writes its log."""

    def start_broker(self) -> "subprocess.Popen[bytes]":
        """Start Mosquitto as `fleet init` configured it."""
        assert MOSQUITTO is not None
        configuration = self.data / "mosquitto" / "mosquitto.conf"
        self.broker = subprocess.Popen(
            [MOSQUITTO, "-c", str(configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.processes.append(self.broker)
        return self.broker

    def serve(self, **environment: str) -> "Served":
        """Start one `passerelle fleet serve`."""
        served = Served(self, environment)
        self.processes.append(served.process)
        return served

    def end(self) -> None:
        """End everything that was started."""
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOP_LIMIT_S)


class Served:
    """One process of the fleet manager."""

    def __init__(self, fleet: FleetProcess, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.log_path = fleet.logs / f"serve-{self.port}.log"
        arguments = ("fleet", "serve", "--data", str(fleet.data), "--port", str(self.port), "--open-access")
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "passerelle", *arguments],
                stdout=log,
                stderr=log,
                env=os.environ | fleet.environment | environment,
            )

    @property
    def log(self) -> str:
        """What it wrote so far."""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def health(self) -> dict[str, Any]:
        """Return what /healthz says; empty when nobody answers."""
        url = f"http://127.0.0.1:{self.port}/healthz"
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError, ValueError):
            try:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    return dict(json.load(answer))
            except urllib.error.HTTPError as error:
                return dict(json.load(error))
        return {}

    def until_well(self, limit_s: float = WAIT_LIMIT_S) -> dict[str, Any]:
        """Return its health once all is well."""

        def look() -> dict[str, Any] | None:
            assert self.process.poll() is None, self.log[-2000:]
            health = self.health()
            return health if health.get("ok") else None

        return dict(until(f"well: {self.health()}", look, limit_s))
