"""The watchman as a process of its own beside a real fleet manager and its broker, which are killed."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pytest

from demo.ports import free_port
from fleet.cli import commands
from fleet.notify.watchman import SILENCE_LIMIT_US
from tests.unit.fleet.notify.servers import Server, serving

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("mosquitto") is None, reason="apt-get install mosquitto"),
]
START_LIMIT_S = 120
PAGE_LIMIT_S = SILENCE_LIMIT_US / 1e6 + 60
PAUSE = Event()


def wait_for(what: str, look: Callable[[], bool], limit_s: float = START_LIMIT_S) -> None:
    for _ in range(int(limit_s / 0.2)):
        if look():
            return
        PAUSE.wait(0.2)
    raise AssertionError(f"{what}: not within {limit_s:.0f} s")


@dataclass
class Rig:
    folder: Path
    sms: Server
    broker_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    manager: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/healthz"

    @property
    def texts(self) -> list[str]:
        return [one.json["message"] for one in self.sms.seen]

    def healthy(self) -> bool:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            return bool(urllib.request.urlopen(self.url, timeout=30).status == 200)
        return False

    def listens(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.broker_port), timeout=30):
            return True
        return False

    def run_manager(self) -> None:
        environment = os.environ | {"PASSERELLE_BROKER_URL": f"mqtts://127.0.0.1:{self.broker_port}"}
        command = [sys.executable, "-m", "passerelle", "fleet", "serve", "--data", str(self.folder)]
        command += ["--port", str(self.port), "--open-access"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.manager = subprocess.Popen(command, env=environment, **quiet)
        wait_for("the manager", self.healthy)

    def kill_manager(self) -> None:
        assert self.manager is not None
        self.manager.kill()
        self.manager.wait()

    def watchman(self, *more: str) -> "subprocess.Popen[bytes]":
        own = {
            "PASSERELLE_WATCHMAN_SMS": f"{self.sms.url}/jobs",
            "PASSERELLE_WATCHMAN_PHONES": "+33612345678",
        }
        command = [sys.executable, "-m", "passerelle", "fleet", "watchman", "--url", self.url]
        return subprocess.Popen([*command, "--state", str(self.state), *more], env=os.environ | own)

    def look_once(self) -> None:
        assert self.watchman("--once").wait(START_LIMIT_S) == 0

    @property
    def state(self) -> Path:
        return self.folder / "watchman.json"

    def pass_time(self, length_us: int) -> None:
        """Let what the watchman remembers be so much older."""
        memory = json.loads(self.state.read_text())
        memory["watch"]["alive_at_us"] -= length_us
        self.state.write_text(json.dumps(memory))


@contextmanager
def rig_in(folder: Path) -> Iterator[Rig]:
    with ExitStack() as stack:
        rig = Rig(folder=folder, sms=stack.enter_context(serving(lambda _: (200, {"ids": [1]}))))
        commands.init(folder, public_url="", broker=f"127.0.0.1:{rig.broker_port}")
        configuration = folder / "mosquitto" / "mosquitto.conf"
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        broker = subprocess.Popen(["mosquitto", "-c", str(configuration)], **quiet)
        stack.callback(broker.wait)
        stack.callback(broker.terminate)
        wait_for("the broker", rig.listens)
        rig.run_manager()
        stack.callback(rig.kill_manager)
        yield rig


def pages(rig: Rig) -> list[str]:
    """Return what was told beside the daily test page, which depends on the hour of this run."""
    return [text for text in rig.texts if "essai quotidien" not in text]


def test_a_manager_that_was_killed_is_paged_by_the_other_path(tmp_path: Path) -> None:
    with rig_in(tmp_path / "fleet") as rig:
        rig.look_once()
        assert pages(rig) == []
        rig.kill_manager()
        rig.pass_time(SILENCE_LIMIT_US)
        rig.look_once()
    assert ["ne répond plus depuis" in text for text in pages(rig)] == [True]


@pytest.mark.soak
def test_three_minutes_of_real_silence(tmp_path: Path) -> None:
    with rig_in(tmp_path / "fleet") as rig:
        watchman = rig.watchman()
        try:
            wait_for("the first look", rig.state.exists)
            rig.kill_manager()
            wait_for("the page", lambda: bool(pages(rig)), PAGE_LIMIT_S)
            rig.run_manager()
            wait_for("the word that it is back", lambda: len(pages(rig)) > 1)
        finally:
            watchman.terminate()
            watchman.wait()
    assert "ne répond plus depuis" in pages(rig)[0]
    assert "répond de nouveau" in pages(rig)[1]
