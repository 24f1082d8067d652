"""What the agent's start may not load: it would stay in memory on every gateway, used or not."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from agent import RELEASE

PROGRAM = """
import json, sys
import agent.run, agent.gateway_radio
from agent.connectors.kinds import open_connector
print(json.dumps(sorted(sys.modules)))
"""
NOT_AT_START = (
    "RPi",
    "agent.connectors.basics_station",
    "agent.connectors.chirpstack_mqtt",
    "agent.connectors.semtech_udp",
    "agent.doctor",
    "agent.keys.work",
    "agent.status.screen",
    "cryptography",
    "email",
    "fastapi",
    "fleet",
    "greenlet",
    "hal.compare",
    "hal.linux.gpio",
    "hal.tools",
    "hal.transcript",
    "hal.twin",
    "hal.usb",
    "html",
    "http",
    "httpx",
    "importlib.metadata",
    "importlib.resources",
    "jinja2",
    "passerelle",
    "prometheus_client",
    "provisioning",
    "pydantic",
    "rich",
    "serial",
    "smbus2",
    "spidev",
    "sqlalchemy",
    "starlette",
    "statistics",
    "tarfile",
    "tuf",
    "urllib.request",
    "uvicorn",
    "websockets",
    "zipfile",
)
"""Each belongs to one kind of connector, one kind of board, a rare command, or the fleet."""


@pytest.fixture(scope="module")
def loaded() -> frozenset[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    return frozenset(json.loads(done.stdout))


@pytest.mark.parametrize("name", NOT_AT_START)
def test_the_start_of_the_agent_does_not_load(loaded: frozenset[str], name: str) -> None:
    assert not [module for module in loaded if module == name or module.startswith(f"{name}.")]


def test_what_every_gateway_needs_is_loaded(loaded: frozenset[str]) -> None:
    assert {"agent.radio.thread", "agent.spool.spool", "agent.link.mqtt", "hal.open"} <= loaded


def test_the_release_is_that_of_the_package() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())["project"]
    assert project["version"] == RELEASE
