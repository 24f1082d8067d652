"""Every golden file is there, reads, and is named in SOURCES.md; one that is missing fails, never skips."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.golden.files import GOLDEN, TRANSCRIPTS, golden_text, unpacked

SIZE_LIMIT_BYTES = 200_000
"""All golden files together: a clone stays small."""
DATA = sorted(
    path
    for path in GOLDEN.rglob("*")
    if path.suffix not in (".py", ".md") and "__pycache__" not in path.parts and path.is_file()
)


@pytest.mark.parametrize("name", TRANSCRIPTS)
def test_a_recording_is_whole(name: str) -> None:
    phases = [
        line[3:] for line in golden_text(f"transcripts/{name}.txt").splitlines() if line.startswith("##")
    ]
    golden = json.loads(golden_text(f"transcripts/{name}.golden.json"))
    assert phases[0] == golden["phases"][0]["phase"] == "start"
    assert {phase["phase"] for phase in golden["phases"]} <= set(phases)


def test_what_is_missing_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        golden_text("transcripts/none.golden.json")
    assert unpacked("transcripts/eu868_rak2287.txt", tmp_path).read_text().startswith("## start")


def test_every_file_has_its_source() -> None:
    sources = (GOLDEN / "SOURCES.md").read_text(encoding="utf-8")
    for path in DATA:
        inside = path.relative_to(GOLDEN).parts
        named = inside[0] if len(inside) == 1 else inside[0] + "/"
        assert f"`{named}" in sources, f"{path}: not in SOURCES.md"
    cases = (GOLDEN / "cases" / "README.md").read_text(encoding="utf-8")
    for path in DATA:
        if "cases" in path.parts:
            assert f"`{path.parent.name}`" in cases, f"{path}: not in cases/README.md"


def test_they_are_small() -> None:
    assert sum(path.stat().st_size for path in DATA) <= SIZE_LIMIT_BYTES


OUTSIDE = re.compile(r"(^|/)shared(/|$)")
"""A folder beside the checkout, where some machines have data and a clone has none."""


def reads_outside(source: str) -> list[str]:
    """Return the path-like strings that lead out of the checkout."""
    return [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OUTSIDE.search(node.value)
    ]


@pytest.mark.parametrize("folder", ["tests", "demo", "passerelle", "fleet", "agent", "hal"])
def test_nothing_is_read_beside_the_checkout(folder: str) -> None:
    for path in (GOLDEN.parents[1] / folder).rglob("*.py"):
        if path != Path(__file__) and "node_modules" not in path.parts:
            assert reads_outside(path.read_text(encoding="utf-8")) == [], path


def test_a_path_that_leads_out_breaks_the_rule() -> None:
    assert reads_outside('Path(__file__).parents[3] / "shared" / "hal"') == ["shared"]
    assert reads_outside('open("../shared/data/x")') == ["../shared/data/x"]
    assert reads_outside('help = "a shared secret"; flags = "-shared"') == []
