"""The reference's packet forwarder on the same twin, server and traffic, where its binary is named.

``PASSERELLE_PACKET_FORWARDER`` is the path of ``lora_pkt_fwd`` that the user built from sx1302_hal, with the
``global_conf.json.sx1250.EU868`` that Semtech ships beside it; nothing of it is in this project.
"""

import asyncio
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from hal import semtech_json
from hal.twin.preload import compiled
from passerelle.benches.agent.rig import Bench

BINARY = os.environ.get("PASSERELLE_PACKET_FORWARDER", "")
CONFIGURATION = "global_conf.json.sx1250.EU868"
SETTLE_S = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFigures:
    """What the peer took; None where its binary is not named."""

    idle_percent: float | None = None
    twenty_percent: float | None = None
    rss_mb: float | None = None
    pss_mb: float | None = None


class PeerBench(Bench):
    """The same rig around the peer."""

    def spawn(self) -> None:
        """Start the peer on the twin's socket."""
        binary = Path(BINARY).resolve()
        shipped = semtech_json.read((binary.parent / CONFIGURATION).read_bytes())
        assert isinstance(shipped, dict), "Semtech's file is an object"
        to = {"server_address": "127.0.0.1", "serv_port_up": self.ports[0], "serv_port_down": self.ports[0]}
        shipped["gateway_conf"] = shipped["gateway_conf"] | to
        shipped["gateway_conf"].pop("gps_tty_path", None)
        (self.directory / "global_conf.json").write_text(json.dumps(shipped))
        reset = self.directory / "reset_lgw.sh"
        reset.write_text("#!/bin/sh\n")
        reset.chmod(0o700)
        lead = {"LD_PRELOAD": str(compiled(self.directory)), "PASSERELLE_TWIN": str(self.path)}
        self.spawned_at = time.perf_counter()
        started = subprocess.Popen(
            [binary, "-c", "global_conf.json"],
            cwd=self.directory,
            env=os.environ | lead,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.child = psutil.Process(started.pid)


async def peer_figures() -> PeerFigures:
    """Measure the peer as ``one_gateway`` measures ours."""
    if not BINARY:
        return PeerFigures()
    with tempfile.TemporaryDirectory() as directory:
        made = PeerBench(Path(directory))
        await made.start()
        try:
            await asyncio.sleep(SETTLE_S)
            idle = await made.cpu_percent(lambda: asyncio.sleep(10))
            twenty = await made.cpu_percent(lambda: made.traffic(20, 20))
            memory = made.child.memory_full_info()
        finally:
            made.stop()
    return PeerFigures(
        idle_percent=idle, twenty_percent=twenty, rss_mb=memory.rss / 1e6, pss_mb=memory.pss / 1e6
    )
