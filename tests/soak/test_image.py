"""The image of a gateway: built, and started from a flashed card.

`PASSERELLE_IMAGE=FILE` starts an image that is there instead of building.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.order import encode_order
from firmware.image.plan import FREE_MIB_NEEDED, MIB, partitions
from provisioning.cli import main as provision
from tests.controlpath.virtual import SigningFleet
from tests.soak.emulator import Emulator, set_loader

pytestmark = [pytest.mark.soak, pytest.mark.timeout(5_400)]
CARD_BYTES = 4 * 1024 * MIB
IMAGE_LIMIT_BYTES = 600 * MIB
EPOCH = "1764000000"
AGENT_UP = r"Started passerelle-agent\.service"
SAY_ALL = (
    "systemd.journald.forward_to_console=1 systemd.journald.max_level_console=info systemd.show_status=1"
)


def built(output: Path, agent: Path) -> dict[str, object]:
    """Build an image as an administrator does; return what the command prints."""
    command = [sys.executable, "-m", "passerelle", "firmware", "image", "--arch", "amd64", "--json"]
    done = subprocess.run(
        [*command, "--output", str(output), "--agent", str(agent), "--without-firmware"],
        capture_output=True, text=True, check=False, env=os.environ | {"SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("image")
    assert shutil.disk_usage(made).free > FREE_MIB_NEEDED * MIB, "not enough disk"
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def agent(folder: Path) -> Path:
    command = [sys.executable, "-m", "packages.build", "--role", "agent", "--output", str(folder)]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


@pytest.fixture(scope="module")
def image(folder: Path, request: pytest.FixtureRequest) -> Path:
    if given := os.environ.get("PASSERELLE_IMAGE"):
        return Path(given)
    path = folder / "passerelle.img"
    found = built(path, request.getfixturevalue("agent"))
    print(f"\nthe root, compressed: {int(str(found['slot_bytes'])) / MIB:.0f} MiB")
    assert int(str(found["slot_bytes"])) <= IMAGE_LIMIT_BYTES
    return path


@pytest.fixture
def card(image: Path, folder: Path, tmp_path: Path) -> Iterator[Path]:
    """A card of 4 GB, flashed for one gateway as an installer does."""
    order, path = tmp_path / "order.json", folder / "card.img"
    lns = ConnectorConfig(name="lns", host="10.0.2.2", port=9, contractual=True)
    order.write_bytes(
        encode_order(
            SigningFleet().order(Configuration(connectors=(lns,), fleet=FleetConfig(host="10.0.2.2", port=9)))
        )
    )
    assert provision(["flash", "--order", str(order), "--output", str(path), "--image", str(image)]) == 0
    os.truncate(path, CARD_BYTES)
    set_loader(path, kernel_args=SAY_ALL)
    yield path
    path.unlink()


@pytest.fixture
def machine(card: Path, tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(card, tmp_path)
    yield made
    made.cut()


def test_first_boot_grows_the_data_and_starts_the_agent_on_its_settings(machine: Emulator) -> None:
    began = time.monotonic()
    machine.start()
    machine.until("passerelle: slot A, try 1")
    grown = int(machine.until(r"passerelle-data: partition grown to (\d+) sectors")[1])
    data = next(one for one in partitions() if one.number == 4)
    assert grown * 512 == CARD_BYTES - data.start_bytes
    machine.until("passerelle-data: made")
    machine.until(r"passerelle-data: mounted, \d+ KiB")
    machine.until(r"Finished nftables\.service")
    machine.until(AGENT_UP)
    print(f"\nfirst boot to the agent on its settings: {time.monotonic() - began:.0f} s, emulated")
