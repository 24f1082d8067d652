"""Trust on a gateway's disk: first contact, rotations it was away for, power cuts, a damaged card."""

import hashlib
from pathlib import Path

import pytest

from agent.durable import write_durably
from agent.releases.trust_folder import NotGiven, TrustFolder
from agent.wire import trust
from agent.wire.trust import Trusted, TrustRefused, target_of
from tests.controlpath.signed_repository import NOW, RELEASE, SignedRepository, new_keys


class PowerCut(Exception):
    pass


def anchor(repository: SignedRepository) -> str:
    return hashlib.sha256(repository.files["1.root.json"]).hexdigest()


def refreshed(folder: TrustFolder, repository: SignedRepository) -> Trusted:
    return folder.refresh(repository.fetch(), anchor(repository), NOW)


def rotated(times: int) -> SignedRepository:
    repository = SignedRepository()
    for _ in range(times):
        repository.rotate(new_keys(3))
    return repository


@pytest.mark.parametrize("times", [0, 1, 5])
def test_a_gateway_follows_the_rotations_that_it_was_away_for(tmp_path: Path, times: int) -> None:
    repository, folder = SignedRepository(), TrustFolder(tmp_path)
    assert folder.load() is None
    refreshed(folder, repository)
    for _ in range(times):
        repository.rotate(new_keys(3))
    (online,) = new_keys(1)
    repository.rotate(new_keys(3), online=online)
    state = refreshed(folder, repository)
    assert state.root.signed.version == times + 2
    assert target_of(state, RELEASE, NOW).path == RELEASE
    assert folder.load() == state


def test_a_new_gateway_begins_with_the_first_root_alone(tmp_path: Path) -> None:
    repository = rotated(3)
    assert refreshed(TrustFolder(tmp_path), repository).root.signed.version == 4
    with pytest.raises(TrustRefused) as refused:
        TrustFolder(tmp_path / "other").refresh(repository.fetch(), "0" * 64, NOW)
    assert refused.value.why.code == "trust.other_anchor"


def test_once_there_is_a_root_nobody_names_another(tmp_path: Path) -> None:
    repository, folder = SignedRepository(), TrustFolder(tmp_path)
    refreshed(folder, repository)
    other = SignedRepository()
    with pytest.raises(TrustRefused) as refused:
        folder.refresh(other.fetch(), anchor(other), NOW)
    assert refused.value.why.code == "trust.foreign"


@pytest.mark.parametrize("write_index", range(7))
def test_a_power_cut_at_any_write_loses_one_step_at_most(tmp_path: Path, write_index: int) -> None:
    repository = rotated(3)
    written: list[str] = []

    def cut(path: Path, content: bytes) -> None:
        if len(written) == write_index:
            raise PowerCut
        written.append(path.name)
        write_durably(path, content)

    with pytest.raises(PowerCut):
        refreshed(TrustFolder(tmp_path, write=cut), repository)
    expected = ["root.json"] * 4 + ["timestamp.json", "snapshot.json", "targets.json"]
    assert written == expected[:write_index]
    kept = TrustFolder(tmp_path).load()
    assert (kept is None) == (write_index == 0)
    assert kept is None or kept.root.signed.version == min(write_index, 4)
    assert refreshed(TrustFolder(tmp_path), repository) == refreshed(TrustFolder(tmp_path / "b"), repository)


@pytest.mark.parametrize("role", ["root", "timestamp", "snapshot", "targets"])
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 300])
def test_what_the_card_damaged_is_fetched_again(tmp_path: Path, role: str, content: bytes) -> None:
    repository, folder = SignedRepository(), TrustFolder(tmp_path)
    before = refreshed(folder, repository)
    (tmp_path / f"{role}.json").write_bytes(content)
    folder.load()
    assert (folder.damage is not None) == (role == "root")
    assert refreshed(folder, repository) == before
    assert folder.damage is None or role == "root"


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "targets", "root"])
def test_a_fleet_that_withholds_is_named_and_changes_nothing(tmp_path: Path, role: str) -> None:
    repository, folder = SignedRepository(), TrustFolder(tmp_path)
    if role != "root":
        refreshed(folder, repository)
        repository.add("releases/0.3.0/release.json", b"{}")
    before = folder.load()
    del repository.files["1.root.json" if role == "root" else repository.newest(role)]
    with pytest.raises(NotGiven) as refused:
        folder.refresh(repository.fetch(), "0" * 64, NOW)
    assert refused.value.why.code == "trust.absent"
    kept = folder.load()
    assert (kept and kept.targets) == (before and before.targets)


def test_an_endless_row_of_roots_is_followed_in_parts(tmp_path: Path) -> None:
    repository = SignedRepository()
    for _ in range(trust.ROOTS_LIMIT + 1):
        repository.rotate()
    folder = TrustFolder(tmp_path)
    with pytest.raises(TrustRefused) as refused:
        refreshed(folder, repository)
    assert refused.value.why.code == "trust.too_many_roots"
    assert refreshed(folder, repository).root.signed.version == trust.ROOTS_LIMIT + 2
