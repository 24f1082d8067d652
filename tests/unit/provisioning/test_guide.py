"""The installer's guide names commands, options and words that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from agent.status.screen import CONFIG_WORDS, ENROLMENT_WORDS, RADIO_WORDS

GUIDE = (Path(__file__).parents[3] / "docs" / "guide-installateur.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^passerelle (.+)$", GUIDE, re.MULTILINE)


def helped(words: tuple[str, ...]) -> str:
    command = [sys.executable, "-m", "passerelle", *words, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_guide_exists(command: str) -> None:
    options = helped(tuple(command.split()[:2]))
    assert all(option in options for option in re.findall(r"--[a-z]+", command))


def test_every_state_of_the_screen_is_in_the_guide() -> None:
    for word, _ in RADIO_WORDS.values():
        assert word in GUIDE
    for words, _ in CONFIG_WORDS.values():
        assert words.split(" ")[-1].strip() in GUIDE
    assert "REFUSÉ" in GUIDE
    assert any("expiré" in words for words, _ in ENROLMENT_WORDS.values())
