"""Anyone can check a closed month: another process, no database, no network, another zone and hash seed."""

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fleet.cli.main import main
from fleet.months.versions import newest_version
from tests.unit.fleet.months.closed import MONTH, closed_month

ROOT = Path(__file__).parents[4]
BARE = """
import sys

def forbid(event, arguments):
    if event in ("sqlite3.connect", "socket.connect", "socket.bind", "socket.getaddrinfo"):
        raise RuntimeError(event)

sys.addaudithook(forbid)
from fleet.cli.main import main
sys.exit(main(["compute", sys.argv[1], "--json"]))
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    data = tmp_path_factory.mktemp("fleet")
    assert main(["init", "--data", str(data)]) == 0
    database = closed_month(data)
    with database.read() as connection:
        version = newest_version(connection, MONTH)
    database.close()
    return data, version


@pytest.mark.slow
@pytest.mark.parametrize(
    "around",
    [
        {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "4242", "TZ": "Pacific/Kiritimati", "LC_ALL": "fr_FR.UTF-8"},
    ],
    ids=["here", "elsewhere"],
)
def test_the_figures_timelines_and_hash_are_those_of_the_closed_month(fleet, around, tmp_path, capsys):
    data, version = fleet
    capsys.readouterr()
    assert main(["facts", "export", "--data", str(data), "--month", MONTH]) == 0
    header, *lines = capsys.readouterr().out.splitlines(keepends=True)
    random.Random(around["TZ"]).shuffle(lines)
    file = tmp_path / "facts.ndjson"
    file.write_text("".join((header, *lines, lines[0])))
    told = subprocess.run(
        [sys.executable, "-c", BARE, file],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **around},
        capture_output=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, b"")
    figures = msgspec.json.decode(told.stdout)
    computed = {name: value for name, value in version.figures.items() if name != "corroboration"}
    assert figures == computed, "what the LNS contradicts is stored beside, and in no bundle of facts"
    assert figures["hash"] == version.hash
    assert any(one["exceptions"] for one in figures["gateways"])


def test_a_version_that_is_not_there_is_a_mistake(fleet, capsys):
    data, _ = fleet
    assert main(["facts", "export", "--data", str(data), "--month", MONTH, "--version", "7"]) == 2
    assert f"--version: {MONTH} has no version 7" in capsys.readouterr().err
