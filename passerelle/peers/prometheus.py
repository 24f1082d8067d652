"""Prometheus on the same month: samples every 60 s, ``avg_over_time``, and "any gateway up" by commune.

A month of all gateways is 72 million samples, more than a benchmark should write; so both sides work on the
same first gateways of the month, and the figures say how many.  Without ``prometheus`` and ``promtool``
(Debian: ``apt install prometheus``) the peer is absent and its figures are null.
"""

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from fleet.availability.communes import commune_timeline, members_of
from fleet.availability.figures import commune_figures, gateway_figures
from fleet.availability.timeline import Timeline
from fleet.facts.intervals import contains, total
from fleet.facts.states import GatewayState
from fleet.simulation.network import NetworkMonth
from passerelle.figures import Figure

COMMUNES = 10
STEP_S = 60
MAX_SAMPLES = 500_000_000
"""The default of 50 million refuses the query by commune."""
READY_TRIES, READY_WAIT_S = 100, 0.1
QUERY_LIMIT_S = 120
PEER = "Prometheus"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    gateways_ms: float
    communes_ms: float
    resident_mb: float
    median_error_s: float
    max_error_s: float
    samples: int


def prometheus_figures(month: NetworkMonth, lines: dict[str, Timeline]) -> list[Figure]:
    """Return what ours and Prometheus take for the same gateways of the month."""
    members = dict(list(members_of(month.given.facts.memberships).items())[:COMMUNES])
    euis = sorted({one.eui for group in members.values() for one in group})
    window, settings = month.given.window, month.given.settings
    began = time.perf_counter()
    for eui in euis:
        gateway_figures(lines[eui], settings)
    gateways_s = time.perf_counter() - began
    began = time.perf_counter()
    for insee, group in members.items():
        commune_figures(commune_timeline(insee, group, lines, window, settings), settings)
    communes_s = time.perf_counter() - began
    error_s = [abs(_served_us(lines[eui]) - total(_truth(month, eui))) / 1e6 for eui in euis]
    peer = _measure(month, {insee: [one.eui for one in group] for insee, group in members.items()})
    how = f"{len(euis)} gateways, {COMMUNES} communes of the month"
    if peer is not None:
        how += f"; {PEER}: {peer.samples} samples, {peer.resident_mb:.0f} MB resident"

    def figure(name: str, ours: float, theirs: float | None, unit: str) -> Figure:
        return Figure(name=name, value=ours, unit=unit, target=None, peer=PEER, peer_value=theirs, how=how)

    rows = (
        ("gateways, beside the peer", gateways_s * 1e3, "gateways_ms", "ms"),
        ("communes, beside the peer", communes_s * 1e3, "communes_ms", "ms"),
        ("median error per gateway", median(error_s), "median_error_s", "s"),
        ("largest error per gateway", max(error_s), "max_error_s", "s"),
    )
    return [
        figure(name, ours, None if peer is None else getattr(peer, field), unit)
        for name, ours, field, unit in rows
    ]


def _truth(month: NetworkMonth, eui: str) -> list[tuple[int, int]]:
    return month.truth[eui][GatewayState.SERVING]


def _served_us(line: Timeline) -> int:
    return line.end_us - line.start_us - sum(span.end_us - span.start_us for span in line.exceptions)


def _measure(month: NetworkMonth, members: dict[str, list[str]]) -> _Measured | None:
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        return None
    with tempfile.TemporaryDirectory(prefix="passerelle-prometheus-") as folder:
        samples = _write(month, members, Path(folder) / "samples.txt")
        command = ["promtool", "tsdb", "create-blocks-from", "--max-block-duration=744h"]
        command += ["openmetrics", "samples.txt", "data"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        with _running(Path(folder)) as (address, process):
            return _ask(month, members, address, process.pid, samples)


def _write(month: NetworkMonth, members: dict[str, list[str]], path: Path) -> int:
    """Write what a scrape every minute would have seen; one series for each member of each commune."""
    window = month.given.window
    count = 0
    with path.open("w", encoding="ascii") as out:
        out.write("# TYPE up gauge\n")
        for insee, euis in members.items():
            for eui in euis:
                truth = _truth(month, eui)
                for at_us in range(window.start_us, window.end_us, STEP_S * 1_000_000):
                    value = int(contains(truth, at_us))
                    out.write(f'up{{gw="{eui}",commune="{insee}"}} {value} {at_us // 1_000_000}\n')
                    count += 1
        out.write("# EOF\n")
    return count


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    (folder / "prometheus.yml").write_text("global: {}\n", encoding="ascii")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
        f"--query.max-samples={MAX_SAMPLES}",
        f"--query.timeout={QUERY_LIMIT_S}s",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(address)
        yield address, process
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str) -> None:
    for _ in range(READY_TRIES):
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(READY_WAIT_S)
    raise RuntimeError(f"prometheus: not ready on {address} after {READY_TRIES * READY_WAIT_S:.0f} s")


def _ask(
    month: NetworkMonth, members: dict[str, list[str]], address: str, pid: int, samples: int
) -> _Measured:
    window = month.given.window
    length_s = window.length_us // 1_000_000
    end_s = window.end_us // 1_000_000 - 1
    gateways_s, by_gateway = _query(address, f"avg by (gw) (avg_over_time(up[{length_s}s]))", end_s)
    by_commune = f"avg_over_time((max by (commune) (up))[{length_s}s:{STEP_S}s])"
    communes_s, _ = _query(address, by_commune, end_s)
    errors = [
        abs(by_gateway[eui] * length_s - total(_truth(month, eui)) / 1e6)
        for eui in {eui for euis in members.values() for eui in euis}
    ]
    return _Measured(
        gateways_ms=gateways_s * 1e3,
        communes_ms=communes_s * 1e3,
        resident_mb=_resident_mb(pid),
        median_error_s=median(errors),
        max_error_s=max(errors),
        samples=samples,
    )


def _query(address: str, text: str, end_s: int) -> tuple[float, dict[str, float]]:
    """Return the time of the second of two equal queries, and the values by their label."""
    form = urllib.parse.urlencode({"query": text, "time": end_s})
    took_s, answer = 0.0, {}
    for _ in range(2):
        began = time.perf_counter()
        with urllib.request.urlopen(f"http://{address}/api/v1/query?{form}", timeout=QUERY_LIMIT_S) as reply:
            answer = json.load(reply)
        took_s = time.perf_counter() - began
    rows = answer["data"]["result"]
    return took_s, {next(iter(row["metric"].values())): float(row["value"][1]) for row in rows}


def _resident_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
