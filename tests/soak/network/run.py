"""One gateway through one outage of a real network; run under ``unshare --net``, prints one JSON row.

``python -m tests.soak.network.run KIND WEATHER FOLDER``
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.certificates import issue
from tests.datapath.virtual import VirtualConcentrator, data_up
from tests.soak.network.server import TOKEN
from tests.soak.network.weather import SERVER, WEATHERS, Way, Weather

EUI = "0016c001f12a3b4c"
FRAMES_PER_S = 10
AROUND_S = 3
ADDRESSES = 200
SETTLE_LIMIT_S = 150


class Server:
    """The process in the other namespace, and what it told."""

    def __init__(self, kind: str, folder: Path, name: str) -> None:
        words = ["ip", "netns", "exec", name, sys.executable, "-m", "tests.soak.network.server"]
        self.process = subprocess.Popen(
            [*words, kind, str(folder), SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(json.loads(self.process.stdout.readline())["port"])
        self.arrived: list[tuple[float, str]] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            self.arrived.append((told["at"], told["frame"]))

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()


def connector(kind: str, folder: Path, port: int) -> ConnectorConfig:
    common: dict[str, Any] = {
        "name": "lns",
        "host": SERVER,
        "port": port,
        "contractual": True,
        "drain_frames_per_s": 50,
    }
    if kind == "semtech_udp":
        return ConnectorConfig(kind="semtech_udp", **common)
    common |= {"tls": True, "ca_file": str(folder / "authority.pem")}
    if kind == "basics_station_token":
        return ConnectorConfig(kind="basics_station", token_file=str(folder / "token"), **common)
    files = {"certificate_file": str(folder / f"{EUI}.pem"), "key_file": str(folder / f"{EUI}.key")}
    return ConnectorConfig(kind=kind, **files, **common)  # type: ignore[arg-type]


class Run:
    def __init__(self, kind: str, folder: Path, server: Server) -> None:
        self.kind, self.server = kind, server
        clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(clock)
        self.sent: list[bytes] = []
        self.gateway = DataPath(
            concentrator=self.radio,
            configuration=Configuration(
                connectors=(connector(kind, folder, server.port),),
                fleet=FleetConfig(host="127.0.0.1", port=1),
            ),
            eui=EUI,
            state_dir=folder / "state",
            clock=clock,
            boot=1,
            journal=MemoryJournal(clock),
        )

    async def hear(self, duration_s: float) -> None:
        for _ in range(int(duration_s * FRAMES_PER_S)):
            payload = data_up(0x26000000 + len(self.sent) % ADDRESSES, len(self.sent))
            self.radio.inject(payload)
            self.sent.append(payload)
            await asyncio.sleep(1 / FRAMES_PER_S)

    def payload(self, frame: str) -> bytes:
        match self.kind:
            case "semtech_udp":
                return base64.b64decode(frame)
            case "chirpstack_mqtt":
                return bytes.fromhex(frame)
            case _:
                return self.sent[int(frame)]

    async def through(self, weather: Weather, way: Way) -> dict[str, object]:
        task = asyncio.create_task(self.gateway.run())
        try:
            await self.until(lambda: any(one.up for one in self.gateway.snapshot().connectors))
            await self.hear(AROUND_S)
            await asyncio.to_thread(weather.begin, way)
            await self.hear(weather.lasts_s)
            await asyncio.to_thread(weather.end, way)
            healed = time.monotonic()
            if weather.back_s is not None:
                hearing = asyncio.create_task(self.hear(AROUND_S))
                await self.until(lambda: any(at > healed for at, _ in self.server.arrived))
                await hearing
            await self.hear(AROUND_S)
            await self.until(lambda: self.gateway.snapshot().received == len(self.sent))
            await self.until(lambda: not self.gateway.snapshot().spool_records)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        return self.row(weather, healed)

    async def until(self, condition: Any) -> None:
        end = time.monotonic() + SETTLE_LIMIT_S
        while not condition() and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def row(self, weather: Weather, healed: float) -> dict[str, object]:
        arrived = [self.payload(frame) for _, frame in self.server.arrived]
        state = self.gateway.snapshot()
        after = [at - healed for at, _ in self.server.arrived if at > healed]
        return {
            "connector": self.kind,
            "outage": weather.name,
            "sent": len(self.sent),
            "delivered": len(set(arrived)),
            "late": state.counters.get("lns.replayed", 0),
            "twice": len(arrived) - len(set(arrived)),
            "dropped": dict(state.dropped),
            "lost": len(set(self.sent) - set(arrived)),
            "first_s": min(after, default=SETTLE_LIMIT_S) if weather.back_s is not None else None,
            "back_s": weather.back_s,
            "counters": {name: count for name, count in state.counters.items() if count},
        }


def main() -> None:
    kind, name, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    weather = next(one for one in WEATHERS if one.name == name)
    authority = issue(folder, "authority")
    for subject in ("server", "lns", EUI):
        issue(folder, subject, authority)
    (folder / "token").write_text(TOKEN)
    server: list[Server] = []

    def say(words: str) -> None:
        server[0].say(words)

    way = Way(f"pas-{kind}-{os.getpid()}", say)
    way.build()
    try:
        server.append(Server(kind, folder, way.name))
        row = asyncio.run(Run(kind, folder, server[0]).through(weather, way))
    finally:
        for one in server:
            one.process.terminate()
            one.process.wait(5)
        pids = subprocess.run(["ip", "netns", "pids", way.name], capture_output=True, text=True, check=False)
        for pid in pids.stdout.split():
            os.kill(int(pid), 15)
        subprocess.run(["ip", "netns", "del", way.name], check=False)
    print(json.dumps(row))


if __name__ == "__main__":
    main()
