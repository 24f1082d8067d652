"""Outages of every sort on the way to the server, on real networks: nothing is lost, the table is printed.

Each is made in network namespaces of its own: nftables drops, tbf throttles, a relay delays, servers close
or refuses.  The servers are real: Mosquitto with mTLS and an ACL, WebSocket over TLS with client certificate
or token, UDP.  A day without a server runs in virtual time.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from agent.connectors.rules import DeliveryRules
from tests.datapath.line import Line
from tests.datapath.virtual import data_up
from tests.soak.network.weather import WEATHERS

pytestmark = pytest.mark.soak
ROOT = Path(__file__).parents[2]
AT_ONCE = 6
RUN_LIMIT_S = 400
KINDS = ("semtech_udp", "chirpstack_mqtt", "basics_station")
CASES = [(kind, weather.name) for weather in WEATHERS for kind in KINDS]
CASES += [("basics_station_token", name) for name in ("black hole 30 s", "server refuses 10 s")]
TOOLS = ("ip", "nft", "tc", "unshare")
NEED = f"needs root and {', '.join(TOOLS)} (scripts/setup-system); without them NO OUTAGE WAS TESTED"
DAY = "24 h without a server (virtual time, every connector's delivery rules)"
Row = dict[str, Any]


def outage(kind: str, name: str, folder: Path) -> Row:
    """Run one gateway through one outage in a process and namespaces of its own."""
    command = ["unshare", "--net", sys.executable, "-m", "tests.soak.network.run", kind, name, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=RUN_LIMIT_S)
    assert done.returncode == 0, done.stderr[-2000:]
    row: Row = json.loads(done.stdout.splitlines()[-1])
    return row


@pytest.fixture(scope="module")
def rows(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], "Future[Row]"]]:
    wanted = [
        CASES[item.callspec.params["number"]]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (kind, name): pool.submit(outage, kind, name, tmp_path_factory.mktemp(kind))
            for kind, name in wanted
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[f"{kind}: {name}" for kind, name in CASES])
def test_no_outage_loses_a_frame(number: int, rows: dict[tuple[str, str], "Future[Row]"]) -> None:
    if os.geteuid() != 0 or any(shutil.which(tool) is None for tool in TOOLS):
        pytest.fail(NEED)
    row = rows[CASES[number]].result()
    assert row["lost"] == 0, row
    assert row["dropped"] == {}, row
    assert row["first_s"] is None or row["first_s"] < row["back_s"], row


def a_day() -> Row:
    """Return the row of a day at 1 frame/s without a server; servers differ in nothing that counts here."""
    line = Line(rules=DeliveryRules(drain_frames_per_s=500), step_us=250_000)
    line.notice(reachable=False)
    for second in range(86_400):
        line.hear(data_up(second % 1_000, second % 65_536))
        line.run(1_000_000)
    line.step_us = 5_000
    back_us = line.now_us
    line.notice(reachable=True)
    while not line.done:
        line.run(5_000)
    first_s = (line.now_us - back_us) / 1e6
    line.run(400 * 1_000_000)
    return {
        "connector": "all",
        "outage": DAY,
        "sent": 86_400,
        "delivered": len(set(line.done)),
        "late": line.delivery.counts["replayed"],
        "twice": len(line.arrived) - len({record.id for _, record in line.arrived}),
        "dropped": dict.fromkeys(line.dropped.values(), len(line.dropped)),
        "lost": 86_400 - len(set(line.done)),
        "first_s": first_s,
        "back_s": 2.0,
    }


def show(rows: list[Row]) -> None:
    table = Table(title="Outages on real networks, 10 frames/s a gateway")
    for column in ("connector", "outage", "sent", "delivered", "late", "twice", "dropped", "lost"):
        table.add_column(column)
    table.add_column("first frame after")
    for row in rows:
        first = (
            "flows meanwhile" if row["first_s"] is None else f"{row['first_s']:.2f} s (< {row['back_s']:.0f})"
        )
        dropped = ", ".join(f"{reason} {count}" for reason, count in row["dropped"].items()) or "0"
        counts = [str(row[name]) for name in ("sent", "delivered", "late", "twice")]
        table.add_row(row["connector"], row["outage"], *counts, dropped, str(row["lost"]), first)
    Console(width=150).print(table)


def test_print_the_table(rows: dict[tuple[str, str], "Future[Row]"]) -> None:
    done = [one.result() for one in rows.values() if one.done() and not one.exception()]
    day = a_day()
    show([*done, day])
    failed = [case for case, one in rows.items() if one.done() and one.exception()]
    assert not failed, f"no row for {failed}"
    assert (day["lost"], day["dropped"]) == (0, {})
    assert day["first_s"] < day["back_s"]
