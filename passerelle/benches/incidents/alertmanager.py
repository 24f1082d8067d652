"""The same 1,615 losses through Debian's Alertmanager, grouped by commune: how many notifications.

Absent: the figure is null, and says so.
"""

import json
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from passerelle.benches.incidents.territory import NOON_US, network

PROGRAMS = ("prometheus-alertmanager", "alertmanager")
GROUP_WAIT_S = 2
"""Its default is 30 s; shortened, which does not change how many notifications there are."""

BACKLOG = 1_024
"""Connections that may wait for us: Alertmanager opens one a group at once."""

READY_LIMIT_S = 20.0
QUIET_S = 6.0
"""When no notification has come for so long, all have come."""

CONFIGURATION = """
route: {{receiver: hook, group_by: [commune], group_wait: {wait}s, group_interval: 5m, repeat_interval: 4h}}
receivers: [{{name: hook, webhook_configs: [{{url: "http://127.0.0.1:{port}/"}}]}}]
"""


def notifications() -> int | None:
    """Return how many webhooks Alertmanager sends; None when it is not installed."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        return None
    received: list[int] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            received.append(1)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    ThreadingHTTPServer.request_queue_size = BACKLOG
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with TemporaryDirectory() as folder:
            _run(program, Path(folder), server.server_address[1], received)
    finally:
        server.shutdown()
    return len(received)


def _run(program: str, folder: Path, hook_port: int, received: list[int]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (folder / "am.yml").write_text(CONFIGURATION.format(wait=GROUP_WAIT_S, port=hook_port))
    command = [
        program,
        f"--config.file={folder / 'am.yml'}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_ready(url)
        alerts = [
            {"labels": {"alertname": "down", "gateway": one.eui, "commune": one.commune_insee}}
            for one in network(NOON_US).gateways.values()
        ]
        headers = {"Content-Type": "application/json"}
        httpx.post(f"{url}/api/v2/alerts", content=json.dumps(alerts), headers=headers).raise_for_status()
        _wait_quiet(received)
    finally:
        process.terminate()
        process.wait()


def _wait_ready(url: str) -> None:
    limit = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < limit:
        try:
            if httpx.get(f"{url}/-/ready").is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"Alertmanager is not ready after {READY_LIMIT_S:.0f} s")


def _wait_quiet(received: list[int]) -> None:
    time.sleep(GROUP_WAIT_S)
    while True:
        before = len(received)
        time.sleep(QUIET_S)
        if len(received) == before:
            return
