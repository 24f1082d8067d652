"""The process that is measured: one data path on the twin's socket.

``python serve.py SOCKET DIRECTORY RATE PORT...``: by its file, so that the benches' own imports stay outside.
"""

import asyncio
import sys
from pathlib import Path

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from hal.open import open_concentrator


async def _serve(arguments: list[str]) -> None:
    socket, directory, rate, *ports = arguments
    connectors = tuple(
        ConnectorConfig(
            name=f"lns{n}", host="127.0.0.1", port=int(port), contractual=n == 0, drain_frames_per_s=int(rate)
        )
        for n, port in enumerate(ports)
    )
    clock = SystemClock(TimeQuality.NTP)
    datapath = DataPath(
        concentrator=open_concentrator(f"socket:{socket}", "rak2287"),
        configuration=Configuration(connectors=connectors, fleet=FleetConfig(host="127.0.0.1", port=1)),
        eui="0016c001f12a3b4c",
        state_dir=Path(directory),
        clock=clock,
        boot=1,
        journal=MemoryJournal(clock),
    )
    await datapath.run()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1:]))
