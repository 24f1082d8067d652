"""The state folder on a card that refuses every write."""

from pathlib import Path

import pytest

from agent.host import card
from agent.host.card import memory_folder, usable_state, working_folders
from agent.wire import reasons


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose probe cannot be written, with the errno of a read-only file system."""
    state = tmp_path / "state"
    (state / "identity").mkdir(parents=True)
    (state / "identity" / "key.pem").write_bytes(b"key")
    (state / "settings.json").write_bytes(b"settings")
    (state / "probe").symlink_to("/proc/self/nowhere")
    monkeypatch.setattr(card, "_REFUSALS", frozenset({2}))
    return state


def test_a_card_that_takes_writes_is_used_and_an_old_copy_goes(tmp_path: Path, refusing: Path) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    copy, _ = usable_state(refusing, memory)
    (refusing / "probe").unlink()
    assert usable_state(refusing, memory) == (refusing, None)
    assert not copy.exists()
    assert not (refusing / "probe").exists()


def test_a_read_only_card_is_copied_once(tmp_path: Path, refusing: Path) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    copy, why = usable_state(refusing, memory)
    assert why == reasons.card.read_only()
    assert (copy / "identity" / "key.pem").read_bytes() == b"key"
    assert copy.stat().st_mode & 0o777 == 0o700
    assert (copy / "settings.json").stat().st_mode & 0o777 == 0o600
    (copy / "settings.json").write_bytes(b"newer")
    assert usable_state(refusing, memory) == (copy, reasons.card.read_only())
    assert (copy / "settings.json").read_bytes() == b"newer"


@pytest.mark.parametrize(("excess", "kept"), [(-1, True), (0, True), (1, False)])
def test_a_file_beyond_the_limit_stays_on_the_card(
    tmp_path: Path, refusing: Path, monkeypatch: pytest.MonkeyPatch, excess: int, kept: bool
) -> None:
    monkeypatch.setattr(card, "COPY_LIMIT_BYTES", 100)
    (refusing / "spool.db").write_bytes(bytes(100 + excess))
    copy, why = usable_state(refusing, tmp_path)
    assert (copy / "spool.db").exists() is kept
    said = reasons.card.read_only() if kept else reasons.card.read_only_left(left_mb=1)
    assert why == said
    assert usable_state(refusing, tmp_path) == (copy, said)


def test_what_is_left_on_the_card_is_said_in_both_languages_and_rounded_up(
    refusing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "COPY_LIMIT_BYTES", 1_000_000)
    for name, size_bytes in (("small", 1_000_000), ("spool.db", 2_000_001), ("older", 1_500_000)):
        (refusing / name).write_bytes(bytes(size_bytes))
    assert card.left_on_card_mb(refusing) == 4
    why = reasons.card.read_only_left(left_mb=4)
    assert "4 Mo restent sur la carte" in reasons.text(why, "fr")
    assert card.card_fields(why) == {"card_in_memory": 1, "card_left_mb": 4}
    assert card.card_fields(reasons.card.read_only()) == {"card_in_memory": 1, "card_left_mb": 0}
    assert card.card_fields(None) == {}
    assert "4 MB stay on the card" in reasons.text(why, "en")


def test_who_asks_for_the_state_looks_into_memory_too(
    tmp_path: Path, refusing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "SHARED_MEMORY", str(tmp_path))
    assert working_folders(refusing) == (refusing,)
    copy, _ = usable_state(refusing, tmp_path)
    assert working_folders(refusing) == (refusing, copy)


def test_other_refusals_are_left_to_who_opens(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert usable_state(tmp_path / "file", tmp_path) == (tmp_path / "file", None)


def test_memory_is_the_service_s_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/passerelle:/run/other")
    assert memory_folder() == Path("/run/passerelle")


def test_releases_stay_on_the_card_and_their_ledger_is_copied(tmp_path: Path, refusing: Path) -> None:
    for name in (
        "releases/a/lib/x.py",
        "releases/parts/0",
        "releases/ledger.json",
        "releases/trust/root.json",
    ):
        (refusing / name).parent.mkdir(parents=True, exist_ok=True)
        (refusing / name).write_bytes(b"x")
    memory = tmp_path / "memory"
    memory.mkdir()
    copy, _ = usable_state(refusing, memory)
    copied = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert copied >= {"releases/ledger.json", "releases/trust/root.json"}
    assert not [name for name in copied if name.startswith(("releases/a", "releases/parts"))]
