"""The agent's data path in real time: the twin and the servers here, the data path in its own process.

Reception to socket is timed from the injection at the antenna to the datagram's arrival, both here.
"""

import asyncio
import os
import socket
import statistics
import tempfile
import time

from passerelle.benches.agent.backlog import backlog
from passerelle.benches.agent.downlinks import downlinks
from passerelle.benches.agent.latency import one_gateway, two_servers
from passerelle.benches.agent.wear import wear
from passerelle.figures import Figure

REPEATS = 50


def machine_figures() -> list[Figure]:
    """Return what this machine itself costs: a synchronised write, a datagram over loopback and back."""
    return [
        Figure(name="fsync of 4 KiB, median", value=fsync_ms(), unit="ms", target=None, how="this machine"),
        Figure(
            name="loopback round trip, median",
            value=loopback_ms(),
            unit="ms",
            target=None,
            how="this machine, UDP",
        ),
    ]


def fsync_ms() -> float:
    """Return the median of a synchronised write of one block."""
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(REPEATS):
            started = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


def loopback_ms() -> float:
    """Return the median of a datagram there and back."""
    took = []
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        for end in (near, far):
            end.bind(("127.0.0.1", 0))
            end.settimeout(1)
        for _ in range(REPEATS):
            started = time.perf_counter()
            near.sendto(b"there", far.getsockname())
            far.sendto(*far.recvfrom(64))
            near.recv(64)
            took.append(1000 * (time.perf_counter() - started))
    return statistics.median(took)


async def _measured() -> list[Figure]:
    figures = machine_figures()
    for part in (one_gateway, two_servers, downlinks, wear, backlog):
        figures += await part()
    return figures


def measure() -> list[Figure]:
    """Return the figures of this run; takes about five minutes."""
    return asyncio.run(_measured())
