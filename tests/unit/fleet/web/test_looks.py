"""Contrast of every colour that carries words, one shape a state, and a lock without addresses."""

import json
import re
from pathlib import Path

import pytest

from fleet.facts.states import CommuneState, GatewayState
from fleet.lang import shapes
from fleet.web import rendering

TOKENS = (rendering.FOLDER / "assets/styles/tokens.css").read_text()
LEAST = 4.5
"""WCAG 2.1, 1.4.3 (AA), which RGAA 3.2 takes over."""
ON_GROUND = [
    "ink",
    "ink-soft",
    "accent",
    "serving",
    "buffering",
    "down",
    "unknown",
    "maintenance",
    "out",
]
PAIRS = [(word, ground) for word in ON_GROUND for ground in ("ground", "raised")]
PAIRS += [("on-accent", "accent"), ("on-down", "down"), ("ink", "down-soft"), ("ink-soft", "down-soft")]
PAIRS += [("ink", "accent-soft"), ("ink", "sunken")]


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


LIGHT = tokens(TOKENS.split(':root[data-theme="dark"]')[0])
DARK = LIGHT | tokens(TOKENS.split(':root[data-theme="dark"]')[1])


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("word", "ground"), PAIRS)
def test_contrast(theme: dict[str, str], word: str, ground: str) -> None:
    low, high = sorted((luminance(theme[word]), luminance(theme[ground])))
    assert (high + 0.05) / (low + 0.05) >= LEAST


def test_states_have_the_colours_that_were_agreed() -> None:
    assert (LIGHT["ground"], DARK["ground"]) == ("#ffffff", "#14171a")
    assert [LIGHT[s] for s in ("serving", "buffering", "down")] == ["#1b7f4b", "#a86200", "#b3261e"]
    assert [DARK[s] for s in ("serving", "buffering", "down")] == ["#4fc38a", "#f0a94a", "#ff7a70"]


def test_every_state_has_a_shape_of_its_own() -> None:
    assert len({shapes.shape(state) for state in GatewayState}) == len(GatewayState)
    assert len({shapes.symbol(state) for state in GatewayState}) == len(GatewayState)
    assert all(shapes.symbol(state) for state in CommuneState)


def test_a_speaking_shape_escapes_its_title() -> None:
    assert "<title>&lt;b&gt;</title>" in shapes.shape("DOWN", "<b>")


def test_the_lock_holds_versions_and_hashes_but_no_address() -> None:
    lock = json.loads((rendering.FOLDER / "package-lock.json").read_text())
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


def test_every_style_names_colours_by_token() -> None:
    folder = Path(rendering.FOLDER / "assets/styles")
    others = [path for path in folder.glob("*.css") if path.name not in ("tokens.css", "print.css")]
    assert [path.name for path in others if re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", path.read_text())] == []
