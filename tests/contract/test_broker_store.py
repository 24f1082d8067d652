"""A damaged store of the broker is set aside, and Mosquitto starts; a whole one is left."""

import getpass
import os
import signal
import time
from pathlib import Path
from random import Random
from typing import Any

import paho.mqtt.publish as publish
import pytest

from fleet.broker.store_trial import (
    ASIDE_LIMIT,
    STORE,
    StoreTrial,
    main,
    set_aside,
    try_store,
)
from tests.controlpath.virtual import Broker
from tests.unit.fleet.founded import NOW_US

pytestmark = [pytest.mark.slow]
SECOND_US = 1_000_000
KEPT = b"what the broker retains for one gateway"
PERSISTENT = """allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_interval 0
"""


def broker_over(folder: Path) -> Broker:
    return Broker(folder, extra=PERSISTENT.format(folder=folder, user=getpass.getuser()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The store of a broker that retains something."""
    folder = tmp_path_factory.mktemp("store")
    with broker_over(folder) as broker:
        kept: list[Any] = [(f"vdl/1/{number}/config", KEPT, 1, True) for number in range(50)]
        publish.multiple(kept, hostname="127.0.0.1", port=broker.port)
        assert broker._process is not None
        os.kill(broker._process.pid, signal.SIGUSR1)
        end = time.monotonic() + 60
        while not (folder / STORE).exists() and time.monotonic() < end:
            time.sleep(0.05)
    return (folder / STORE).read_bytes()


def starts(folder: Path) -> bool:
    """Return whether the real broker starts over a folder."""
    with broker_over(folder) as broker:
        return broker._process is not None and broker._process.poll() is None


def damages(whole: bytes) -> dict[str, bytes]:
    random = Random(12)
    return {
        "another file": b"SQLite format 3\0" + whole[16:],
        "random": random.randbytes(len(whole)),
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "head only": whole[:20],
        "zeros from the middle": whole[: len(whole) // 2] + bytes(len(whole) // 2),
        "one length": whole[:24] + b"\xff\xff\xff\x7f" + whole[28:],
        "newer version": whole[:19] + bytes([whole[19] ^ 0x7F]) + whole[20:],
    }


def test_a_whole_store_is_left(tmp_path: Path, whole: bytes) -> None:
    assert KEPT in whole
    (tmp_path / STORE).write_bytes(whole)
    assert try_store(tmp_path, NOW_US) == (StoreTrial.WHOLE, "")
    assert (tmp_path / STORE).read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [STORE]


def test_without_a_store_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert try_store(tmp_path, NOW_US) == (StoreTrial.NONE, "")


@pytest.mark.parametrize("name", sorted(damages(bytes(64))))
def test_whatever_is_damaged_the_broker_starts(tmp_path: Path, whole: bytes, name: str) -> None:
    content = damages(whole)[name]
    (tmp_path / STORE).write_bytes(content)
    found, words = try_store(tmp_path, NOW_US)
    assert found in {StoreTrial.SET_ASIDE, StoreTrial.WHOLE}
    if found is StoreTrial.SET_ASIDE:
        (kept,) = set_aside(tmp_path)
        assert (tmp_path / kept).read_bytes() == content
        assert kept in words
        assert not (tmp_path / STORE).exists()
    assert starts(tmp_path)


@pytest.mark.parametrize("name", ["another file", "random"])
def test_what_is_no_store_is_set_aside(tmp_path: Path, whole: bytes, name: str) -> None:
    (tmp_path / STORE).write_bytes(damages(whole)[name])
    assert try_store(tmp_path, NOW_US)[0] is StoreTrial.SET_ASIDE


def test_a_broker_that_does_not_start_anyway_keeps_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    false = tmp_path / "bin" / "mosquitto"
    false.parent.mkdir()
    false.symlink_to("/bin/false")
    monkeypatch.setenv("PATH", str(false.parent))
    (tmp_path / STORE).write_bytes(b"anything")
    assert try_store(tmp_path, NOW_US) == (StoreTrial.LEFT, "status 1: no word")
    assert (tmp_path / STORE).read_bytes() == b"anything"


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for number in range(ASIDE_LIMIT + 2):
        (tmp_path / STORE).write_bytes(b"damaged %d" % number)
        try_store(tmp_path, NOW_US + number * SECOND_US)
    names = set_aside(tmp_path)
    assert len(names) == ASIDE_LIMIT
    assert (tmp_path / names[0]).read_bytes() == b"damaged %d" % (ASIDE_LIMIT + 1)


def test_the_unit_says_it_and_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / STORE).write_bytes(b"damaged")
    assert main([str(tmp_path)]) == 0
    assert "broker store: set aside: " in capsys.readouterr().err
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().err == ""
