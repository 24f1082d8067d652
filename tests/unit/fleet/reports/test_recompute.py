"""docs/recompute: a third party's reader, without our packages, gives the figures of `fleet compute`."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agent.wire.messages import Change, Radio, TimeQuality
from fleet.availability import document
from fleet.cli.facts import compute
from fleet.simulation.network import network_month
from tests.unit.fleet.reports.small_months import small_month

READER = Path(__file__).parents[4] / "docs" / "recompute" / "recompute.py"
LINES_LIMIT = 200
SEEDS = 50
STANDARD = {"hashlib", "json", "sys", "collections", "datetime", "itertools", "zoneinfo"}


def read(file):
    """What the reader prints, in a process that finds no package of ours or of anyone else."""
    told = subprocess.run([sys.executable, "-I", "-S", READER, file], capture_output=True, check=False)
    assert (told.returncode, told.stderr) == (0, b"")
    return json.loads(told.stdout)


def same(given, tmp_path, capsys):
    """Compare both readings of a month; return the reader's."""
    file = tmp_path / "faits.ndjson"
    file.write_bytes(b"".join(document.write(given)))
    compute(file, as_json=True)
    ours, theirs = json.loads(capsys.readouterr().out), read(file)
    assert theirs["hash"] == ours["hash"]
    assert theirs["whole"].items() <= ours["whole"].items()
    for kind in ("communes", "gateways"):
        assert len(theirs[kind]) == len(ours[kind])
        for one, other in zip(theirs[kind], ours[kind], strict=True):
            assert one == {name: other[name] for name in one}
    return theirs


@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_reader_gives_the_figures_of_fleet_compute(seed, tmp_path, capsys):
    same(small_month(seed), tmp_path, capsys)


def test_the_seeds_have_every_state_of_gateways_and_communes(tmp_path, capsys):
    seen = {}
    for seed in range(12):
        for kind, of in same(small_month(seed), tmp_path, capsys).items():
            for one in of if kind in ("communes", "gateways") else ():
                for state, us in one["by_state_us"].items():
                    seen[kind, state] = seen.get((kind, state), 0) + us
    assert len(seen) == 11
    assert min(seen.values()) > 0, seen


def test_a_whole_month_of_a_territory(tmp_path, capsys):
    theirs = same(network_month(gateways=12, communes=5, troubles=150).given, tmp_path, capsys)
    assert theirs["whole"]["charged"] > 0


def test_the_reader_is_short_and_plain():
    source = READER.read_text("utf-8")
    assert len(source.splitlines()) <= LINES_LIMIT
    found = set()
    for node in ast.walk(ast.parse(source)):
        found |= {one.name for one in node.names} if isinstance(node, ast.Import) else set()
        found |= {node.module} if isinstance(node, ast.ImportFrom) else set()
    assert found <= STANDARD


def test_the_reader_refuses_what_it_was_not_written_for(tmp_path):
    file = tmp_path / "faits.ndjson"
    head, *lines = document.write(small_month(0))
    file.write_bytes(b"".join([head.replace(document.CODE.encode(), b"passerelle availability 0"), *lines]))
    told = subprocess.run([sys.executable, "-I", "-S", READER, file], capture_output=True, check=False)
    assert told.returncode == 1
    assert b"the file was made by 'passerelle availability 0'" in told.stderr


def test_the_schema_names_every_number_of_an_enumeration():
    defs = document.schema()["$defs"]
    for kind in (Change, Radio, TimeQuality):
        told = {one["const"]: one["title"] for one in defs[kind.__name__]["oneOf"]}
        assert told == {one.value: one.name for one in kind}
    assert not [
        name for name, one in defs.items() if any(isinstance(value, int) for value in one.get("enum", ()))
    ]


def test_the_numbers_of_the_reader_are_those_of_the_schema():
    named = {one.name: one.value for kind in (Change, Radio, TimeQuality) for one in kind}
    tree = ast.parse(READER.read_text("utf-8"))
    told = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names = [name.id for name in node.targets[0].elts]
            told |= dict(zip(names, node.value.elts, strict=True))
    numbers = {name: told[name].value for name in told if name in named}
    assert numbers == {name: named[name] for name in numbers}
    assert {"BOOT", "STOP", "RECEIVING", "GNSS"} <= set(numbers)
    assert told["CODE"].value == document.CODE
