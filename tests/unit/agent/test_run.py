import fcntl
import os
from pathlib import Path

import pytest

from agent.run import ALREADY_RUNNING, FAILED, UNUSABLE, run_agent
from agent.wire.order import encode_order
from tests.controlpath.virtual import SigningFleet, configuration


def test_without_settings_a_person_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_agent(tmp_path / "state", None) == UNUSABLE
    assert "--image" in capsys.readouterr().err


def test_an_order_of_another_fleet_is_unusable(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = SigningFleet().order(configuration(), fleet_public_key=SigningFleet().public_hex)
    (tmp_path / "settings.json").write_bytes(encode_order(order))
    assert run_agent(tmp_path, None) == UNUSABLE
    assert "signature" in capsys.readouterr().err


def test_one_agent_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    held = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert run_agent(tmp_path, None) == ALREADY_RUNNING
    assert "un autre agent" in capsys.readouterr().err
    os.close(held)


def test_a_place_that_is_no_folder_is_tried_again_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run_agent(tmp_path / "file", None) == FAILED
