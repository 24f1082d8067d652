"""The ceremony on the command line: keys, first root, rotation; what a gateway would refuse stays out."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Root, Targets

from agent.releases.trust_folder import TrustFolder
from agent.wire.trust import TrustRefused, target_of
from fleet.cli.main import main
from fleet.identity.keys import KeyFileError, replace_file
from fleet.trust.documents import (
    TIMESTAMP_LIFE,
    DocumentRefused,
    Holders,
    first_root,
    next_targets,
    read,
)
from fleet.trust.keys import make_key, named, read_key, read_public
from fleet.trust.repository import SNAPSHOTS_KEPT, Repository, file_of
from packages.release import build, file_name

PASSPHRASE = "une phrase assez longue"
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """The folder of a machine without network: three root keys, one of targets, the passphrase."""
    folder = tmp_path / "away"
    folder.mkdir()
    (folder / "phrase").write_text(PASSPHRASE + "\n")
    for name in ("anne", "bruno", "carole", "dora", "releases"):
        done = main(
            ["trust", "key", name, "--output", str(folder), "--passphrase-file", str(folder / "phrase")]
        )
        assert done == 0
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data" / "keys").mkdir(parents=True)
    return tmp_path / "data"


def sign(away: Path, document: Path, *names: str) -> None:
    for name in names:
        key = ["--key", str(away / f"{name}.key"), "--passphrase-file", str(away / "phrase")]
        assert main(["sign", str(document), *key]) == 0


def founded(away: Path, data: Path) -> Repository:
    online = away / "online.pub"
    assert main(["trust", "online", "--data", str(data), "--output", str(online)]) == 0
    roots = [part for name in ("anne", "bruno", "carole") for part in ("--root", str(away / f"{name}.pub"))]
    targets = ["--targets", str(away / "releases.pub")]
    assert main(["trust", "init", "--output", str(away), *roots, *targets, "--online", str(online)]) == 0
    sign(away, away / "1.root.json", "anne", "carole")
    sign(away, away / "1.targets.json", "releases")
    documents = [str(away / "1.root.json"), str(away / "1.targets.json")]
    assert main(["trust", "accept", "--data", str(data), *documents]) == 0
    return Repository(data)


def test_a_fleet_is_given_its_root_and_follows_a_rotation(
    away: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = founded(away, data)
    assert repository.founded
    changed = ["--root", str(away / "bruno.pub"), "--root", str(away / "dora.pub")]
    assert main(["trust", "rotate", str(away / "1.root.json"), "--output", str(away), *changed]) == 0
    second = away / "2.root.json"
    sign(away, second, "bruno", "dora")
    capsys.readouterr()
    assert main(["trust", "show", "--data", str(data), "--document", str(second), "--lang", "fr"]) == 0
    shown = capsys.readouterr().out
    assert "racine de confiance, version 1, valable jusqu’au" in shown
    assert "il manque 1 signature (" in shown
    assert "anne" in shown.splitlines()[-1]
    assert repository.anchor_sha256() in shown
    assert main(["trust", "accept", "--data", str(data), str(second), "--lang", "fr"]) == 2
    assert "1 signature(s) valable(s), il en faut 2" in capsys.readouterr().err
    sign(away, second, "anne")
    assert main(["trust", "accept", "--data", str(data), str(second)]) == 0
    assert repository.trusted(NOW).root.signed.version == 2
    assert [read(root, Root).signed.version for root in repository.roots()] == [1, 2]


def test_what_a_gateway_would_refuse_is_not_published(
    away: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = founded(away, data)
    before = {path.name: path.read_bytes() for path in repository.folder.rglob("*") if path.is_file()}
    second = away / "2.targets.json"
    second.write_bytes(next_targets((away / "1.targets.json").read_bytes(), NOW))
    sign(away, second, "anne")
    monkeypatch.setenv("PASSERELLE_LANG", "fr")
    assert main(["trust", "accept", "--data", str(data), str(second)]) == 2
    assert "liste des versions\u202f: aucune signature de nos clés" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in repository.folder.rglob("*") if path.is_file()} == before


def test_a_list_is_published_with_its_releases_and_their_parts_or_not_at_all(away: Path, data: Path) -> None:
    repository = founded(away, data)
    release = build("0.2.0", {"lib": {"lib.py": b"x = 1"}}, "x86_64", "3.11", away)
    file, before = away / file_name(release), str(away / "1.targets.json")
    assert main(["trust", "add", str(file), "--before", before, "--output", str(away)]) == 0
    second = away / "2.targets.json"
    sign(away, second, "releases")
    accept = ["trust", "accept", "--data", str(data), str(second)]
    with pytest.raises(DocumentRefused, match=r"x86_64-3\.11\.json: give the file"):
        repository.accept([second.read_bytes()], [b"other"], NOW)
    assert main([*accept, "--release", str(file)]) == 2
    assert main([*accept, "--release", str(file), "--parts", str(data)]) == 2
    assert repository.trusted(NOW).targets.signed.version == 1  # type: ignore[union-attr]
    assert main([*accept, "--release", str(file), "--parts", str(away / "parts")]) == 0
    state = repository.trusted(NOW)
    target = target_of(state, release.path, NOW)
    published = repository.file("targets", file_of(release.path, target.hashes["sha256"]))
    assert published is not None
    assert published.read_bytes() == file.read_bytes()
    assert repository.file("parts", release.parts[0].sha256) is not None
    assert repository.file("metadata", "lock") is None
    folder = TrustFolder(data.parent / "gateway")

    def fetch(name: str, limit_bytes: int) -> bytes | None:
        path = repository.folder / name
        return path.read_bytes()[: limit_bytes + 1] if path.exists() else None

    assert folder.refresh(fetch, repository.anchor_sha256(), NOW).targets == state.targets


def test_a_release_that_is_taken_out_is_no_longer_signed(away: Path, data: Path) -> None:
    repository = founded(away, data)
    file = away / file_name(build("0.2.0", {"lib": {"lib.py": b"x = 1"}}, "x86_64", "3.11", away))
    steps = [["add", str(file)], ["remove", "releases/0.2.0/x86_64-3.11.json"]]
    for version, step in enumerate(steps, 1):
        before, signed = (str(away / f"{number}.targets.json") for number in (version, version + 1))
        assert main(["trust", *step, "--before", before, "--output", str(away)]) == 0
        sign(away, Path(signed), "releases")
        given = ["--release", str(file), "--parts", str(away / "parts")]
        assert main(["trust", "accept", "--data", str(data), signed, *given]) == 0
    assert repository.trusted(NOW).targets.signed.targets == {}  # type: ignore[union-attr]
    newest = str(away / "3.targets.json")
    assert main(["trust", *steps[1], "--before", newest, "--output", str(away)]) == 2


def test_a_list_out_of_turn_is_refused(away: Path, data: Path) -> None:
    repository = founded(away, data)
    made = next_targets(next_targets((away / "1.targets.json").read_bytes(), NOW), NOW)
    (away / "3.targets.json").write_bytes(made)
    sign(away, away / "3.targets.json", "releases")
    with pytest.raises(DocumentRefused, match="version 3, 2 is next"):
        repository.accept([(away / "3.targets.json").read_bytes()], [], NOW)


def test_the_state_of_the_lists_is_signed_anew_after_half_its_life(away: Path, data: Path) -> None:
    repository = founded(away, data)
    timestamp = repository.folder / "timestamp.json"
    before = timestamp.read_bytes()
    repository.renew(NOW)
    assert timestamp.read_bytes() == before
    for day in range(1, SNAPSHOTS_KEPT + 4):
        repository.renew(NOW + day * (TIMESTAMP_LIFE / 2 + timedelta(minutes=1)))
    later = NOW + (SNAPSHOTS_KEPT + 3) * (TIMESTAMP_LIFE / 2)
    assert repository.trusted(later).timestamp is not None
    assert len(list(repository.folder.glob("*.snapshot.json"))) == SNAPSHOTS_KEPT
    with pytest.raises(TrustRefused):
        repository.trusted(later + 2 * TIMESTAMP_LIFE)


def test_a_crash_before_the_timestamp_is_replaced_shows_nothing_and_hinders_nothing(
    away: Path, data: Path
) -> None:
    repository = founded(away, data)
    state = repository.trusted(NOW)
    (newest,) = repository.folder.glob("*.snapshot.json")
    number = int(newest.name.split(".")[0])
    replace_file(repository.folder / f"{number + 500}.snapshot.json", newest.read_bytes())
    assert repository.trusted(NOW) == state
    repository.renew(NOW + TIMESTAMP_LIFE)
    assert repository.trusted(NOW + TIMESTAMP_LIFE).timestamp != state.timestamp


def test_keys_that_make_no_sense_are_refused(away: Path) -> None:
    anne, bruno, online = (read_public(away / f"{name}.pub") for name in ("anne", "bruno", "carole"))
    for root, targets in [
        (Holders(keys=(anne, anne), threshold=2), Holders(keys=(bruno,))),
        (Holders(keys=(anne, bruno), threshold=3), Holders(keys=(bruno,))),
        (Holders(keys=()), Holders(keys=(bruno,))),
        (Holders(keys=(anne, bruno)), Holders(keys=(online,))),
    ]:
        with pytest.raises(DocumentRefused):
            first_root(root, targets, online, NOW)


def test_a_key_is_opened_by_its_passphrase_only(away: Path) -> None:
    assert b"ENCRYPTED" in (away / "anne.key").read_bytes()
    assert (away / "anne.key").stat().st_mode & 0o777 == 0o600
    assert named(read_key(away / "anne.key", PASSPHRASE).public_key(), "anne") == read_public(
        away / "anne.pub"
    )
    with pytest.raises(KeyFileError):
        read_key(away / "anne.key", "une autre phrase")
    with pytest.raises(KeyFileError):
        make_key(away / "x.key", away / "x.pub", "courte")
    with pytest.raises(FileExistsError):
        make_key(away / "anne.key", away / "y.pub", PASSPHRASE)


def test_a_document_that_is_none_is_refused() -> None:
    with pytest.raises(DocumentRefused):
        read(b"{}")
    root = first_root(
        Holders(keys=(named(Ed25519PrivateKey.generate().public_key(), "a"),)),
        Holders(keys=(named(Ed25519PrivateKey.generate().public_key(), "b"),)),
        named(Ed25519PrivateKey.generate().public_key(), "c"),
        NOW,
    )
    with pytest.raises(DocumentRefused, match="a root, not a targets"):
        read(root, Targets)
