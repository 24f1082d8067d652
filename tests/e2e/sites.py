"""A fleet, a broker, a LoRaWAN server and gateways with virtual chips, each started when a test says so."""

import contextlib
import json
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.wire.order import WorkOrder, decode_order
from demo.ports import free_port
from hal.twin.chip import VirtualChip
from hal.twin.lines.server import TwinServer
from tests.controlpath.rig import UdpServer
from tests.e2e.browser import PASSERELLE, run
from tests.unit.fleet.web.sample import eui_of, registry_document

WAIT_LIMIT_S = 120.0
POLL_S = 0.1
STABILITY_S = 2


class Sites:
    """Use as a context; everything that was started ends with it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "fleet"
        self.port, self.broker_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.lns = UdpServer()
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> "Sites":
        document = registry_document()
        for gateway in document["gateways"]:
            gateway["status"] = "planned"
        (self.folder / "registry.json").write_text(json.dumps(document))
        broker = f"127.0.0.1:{self.broker_port}"
        self.passerelle("fleet", "init", "--broker", broker, "--public-url", self.address)
        self.passerelle("fleet", "import", str(self.folder / "registry.json"))
        self._closing.callback(self.lns.close)
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def passerelle(self, *arguments: str) -> None:
        """Run one command of the fleet."""
        run(*arguments, "--data", str(self.data))

    def start_fleet(self) -> None:
        """Start broker and fleet manager; return when it serves."""
        self._process("mosquitto", "/usr/sbin/mosquitto", "-c", str(self.data / "mosquitto/mosquitto.conf"))
        serve = (*PASSERELLE, "fleet", "serve", "--data", str(self.data), "--port", str(self.port))
        self._process("serve", *serve, "--open-access")
        self.wait("the fleet serves", lambda: self.get("/api/v1/gateways?limit=1"))

    def _process(self, name: str, *command: str) -> None:
        log = self._closing.enter_context((self.folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=log)
        self._closing.callback(process.wait, 90)
        self._closing.callback(process.terminate)

    def order(self, index: int) -> tuple[WorkOrder, str]:
        """Make the order of a gateway and return it with the address of its local page."""
        folder, page_port = self.folder / eui_of(index), free_port()
        folder.mkdir()
        self.passerelle(
            *("fleet", "order", "--eui", eui_of(index), "--output", str(folder / "order.json")),
            *("--bus", f"socket:{folder / 'chip'}", "--lns", f"127.0.0.1:{self.lns.port}"),
            *("--stability", str(STABILITY_S), "--page-port", str(page_port)),
            *("--set", "page_on_lan=false", "--set", "radio.antenna_gain_db=3"),
            *("--set", "intervals.heartbeat_s=5"),
        )
        order = decode_order((folder / "order.json").read_bytes())
        return order, f"http://127.0.0.1:{page_port}/recette"

    def install(self, index: int) -> None:
        """Flash the order to a file and start chip and agent on it."""
        folder = self.folder / eui_of(index)
        card = folder / "card.img"
        run("provision", "flash", "--order", str(folder / "order.json"), "--output", str(card))
        twin = TwinServer(VirtualChip(eui=eui_of(index)), folder / "chip")
        twin.start()
        self._closing.callback(twin.close)
        agent = (*PASSERELLE, "agent", "run", "--state", str(folder / "state"), "--image", str(card))
        self._process(f"agent-{index}", *agent)

    def get(self, path: str) -> Any:
        """Return what the fleet answers, None while it does not."""
        try:
            with urllib.request.urlopen(self.address + path, timeout=20) as answer:
                return json.load(answer)
        except OSError:
            return None

    def read(self, path: str) -> bytes:
        """Return the body of a page or file of the fleet."""
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return bytes(answer.read())

    def wait(self, what: str, look: Callable[[], Any]) -> Any:
        """Return what ``look`` finds; fail with ``what`` and the logs after the limit."""
        until = time.monotonic() + WAIT_LIMIT_S
        while time.monotonic() < until:
            if found := look():
                return found
            time.sleep(POLL_S)
        said = "\n".join(log.read_text()[-1500:] for log in self.folder.glob("*.log"))
        raise AssertionError(f"{what}: not within {WAIT_LIMIT_S:.0f} s\n{said}")

    def serving(self, index: int) -> Any:
        """Return the gateway once it is SERVING."""

        def look() -> Any:
            found = self.get(f"/api/v1/gateways/{eui_of(index)}")
            return found if found and found["state"] == "SERVING" else None

        return self.wait("the gateway SERVING", look)
