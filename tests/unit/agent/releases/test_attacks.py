"""The attacks of TUF's specification: each refused by its own name, and by python-tuf's client too."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig

from agent.releases.trust_folder import TrustFolder
from agent.wire import reasons, trust
from agent.wire.trust import TrustRefused, check_content, target_of
from fleet.trust.documents import next_root, next_targets, online_documents, read
from fleet.trust.keys import named
from tests.controlpath.signed_repository import (
    CONTENT,
    NOW,
    RELEASE,
    SignedRepository,
    edited,
    holders,
    new_keys,
    signed,
)

Attack = Callable[[SignedRepository], None]
ATTACKS: dict[str, tuple[str, Attack]] = {}
"""Name → (code of the reason, what the enemy does to the files of a gateway that was here before)."""


def attack(code: str) -> Callable[[Attack], Attack]:
    def declare(change: Attack) -> Attack:
        ATTACKS[change.__name__] = (code, change)
        return change

    return declare


def _later(signed_part: object) -> None:
    signed_part.expires += timedelta(days=1)  # type: ignore[attr-defined]


def _over(signed_part: object) -> None:
    signed_part.expires = NOW - timedelta(minutes=5)  # type: ignore[attr-defined]


def _resigned(repository: SignedRepository, targets: bytes | None = None) -> None:
    repository.release(targets or repository.files[repository.newest("targets")])


@attack("tampered")
def timestamp_changed(repository: SignedRepository) -> None:
    _resigned(repository)
    repository.files["timestamp.json"] = edited(repository.files["timestamp.json"], _later)


@attack("mixed")
def snapshot_changed(repository: SignedRepository) -> None:
    _resigned(repository)
    name = repository.newest("snapshot")
    repository.files[name] = edited(repository.files[name], _later)


@attack("mixed")
def targets_changed(repository: SignedRepository) -> None:
    repository.add("releases/0.3.0/release.json", b"{}")
    name = repository.newest("targets")
    repository.files[name] = edited(repository.files[name], _later)


@attack("tampered")
def root_changed(repository: SignedRepository) -> None:
    repository.rotate()
    repository.files["2.root.json"] = edited(repository.files["2.root.json"], _later)


@attack("foreign")
def timestamp_of_another_fleet(repository: SignedRepository) -> None:
    repository.files["timestamp.json"] = SignedRepository().files["timestamp.json"]


@attack("foreign")
def root_of_another_fleet(repository: SignedRepository) -> None:
    other = SignedRepository()
    other.rotate()
    repository.files["2.root.json"] = other.files["2.root.json"]


@attack("foreign")
def the_fleet_s_host_invents_a_release(repository: SignedRepository) -> None:
    made = next_targets(repository.files[repository.newest("targets")], NOW, add={"evil": b"1"})
    _resigned(repository, signed(made, (repository.online,)))


@attack("too_few")
def half_of_the_holders_sign_a_release(repository: SignedRepository) -> None:
    made = next_targets(repository.files[repository.newest("targets")], NOW, add={"evil": b"1"})
    _resigned(repository, signed(made, repository.targets_keys[:1]))


@attack("too_few")
def only_one_holder_signs_a_root(repository: SignedRepository) -> None:
    repository.files["2.root.json"] = signed(next_root(repository.root, NOW), repository.root_keys[:1])


@attack("foreign")
def new_holders_crown_themselves(repository: SignedRepository) -> None:
    keys = new_keys(3)
    repository.files["2.root.json"] = signed(next_root(repository.root, NOW, holders(keys, 2)), keys)


@attack("foreign")
def old_holders_crown_others_who_did_not_agree(repository: SignedRepository) -> None:
    made = next_root(repository.root, NOW, holders(new_keys(3), 2))
    repository.files["2.root.json"] = signed(made, repository.root_keys[:2])


@attack("not_next")
def a_root_is_skipped(repository: SignedRepository) -> None:
    repository.rotate()
    repository.rotate()
    repository.files["2.root.json"] = repository.files.pop("3.root.json")


@attack("not_next")
def an_old_root_is_given_as_the_next(repository: SignedRepository) -> None:
    repository.files["2.root.json"] = repository.files["1.root.json"]


@attack("older")
def older_timestamp(repository: SignedRepository) -> None:
    old = repository.files["timestamp.json"]
    repository.files["timestamp.json"] = edited(
        old, lambda part: setattr(part, "version", 1), _online(repository)
    )


@attack("older")
def timestamp_names_an_older_snapshot(repository: SignedRepository) -> None:
    def change(part: object) -> None:
        part.version += 1  # type: ignore[attr-defined]
        part.snapshot_meta.version -= 1  # type: ignore[attr-defined]

    repository.files["timestamp.json"] = edited(
        repository.files["timestamp.json"], change, _online(repository)
    )


@attack("older")
def snapshot_names_an_older_list(repository: SignedRepository) -> None:
    _resigned(repository, repository.files["1.targets.json"])


@attack("mixed")
def snapshot_names_no_list(repository: SignedRepository) -> None:
    _with_snapshot(repository, lambda part: part.meta.clear())  # type: ignore[attr-defined]


@attack("expired")
def root_is_expired(repository: SignedRepository) -> None:
    made = edited(next_root(repository.root, NOW), _over)
    repository.files["2.root.json"] = signed(made, repository.root_keys[:2])


@attack("expired")
def snapshot_is_expired(repository: SignedRepository) -> None:
    _with_snapshot(repository, _over)


@attack("expired")
def targets_are_expired(repository: SignedRepository) -> None:
    made = next_targets(repository.files[repository.newest("targets")], NOW)
    _resigned(repository, signed(edited(made, _over), repository.targets_keys))


@attack("frozen")
def the_lists_are_frozen(repository: SignedRepository) -> None:
    def change(part: object) -> None:
        part.version += 1  # type: ignore[attr-defined]
        _over(part)

    repository.files["timestamp.json"] = edited(
        repository.files["timestamp.json"], change, _online(repository)
    )


@attack("mixed")
def snapshot_of_another_day(repository: SignedRepository) -> None:
    before = repository.files[repository.newest("snapshot")]
    _resigned(repository)
    repository.files[repository.newest("snapshot")] = before


@attack("mixed")
def targets_of_another_day(repository: SignedRepository) -> None:
    before = repository.files[repository.newest("targets")]
    repository.add("releases/0.3.0/release.json", b"{}")
    repository.files[repository.newest("targets")] = before


@attack("endless")
def endless_timestamp(repository: SignedRepository) -> None:
    repository.files["timestamp.json"] += b" " * trust.TIMESTAMP_LIMIT_BYTES


@attack("endless")
def endless_snapshot(repository: SignedRepository) -> None:
    _resigned(repository)
    repository.files[repository.newest("snapshot")] += b" " * trust.SNAPSHOT_LIMIT_BYTES


@attack("endless")
def endless_targets(repository: SignedRepository) -> None:
    repository.add("releases/0.3.0/release.json", b"{}")
    repository.files[repository.newest("targets")] += b" " * trust.TARGETS_LIMIT_BYTES


@attack("endless")
def endless_root(repository: SignedRepository) -> None:
    repository.rotate()
    repository.files["2.root.json"] += b" " * trust.ROOT_LIMIT_BYTES


@attack("malformed")
def targets_given_as_timestamp(repository: SignedRepository) -> None:
    repository.files["timestamp.json"] = repository.files[repository.newest("targets")]


@attack("malformed")
def rubbish_as_root(repository: SignedRepository) -> None:
    repository.files["2.root.json"] = b"\x00" * 40


def _online(repository: SignedRepository) -> tuple[object, ...]:
    return (repository.online,)


def _with_snapshot(repository: SignedRepository, change: Callable[[object], None]) -> None:
    """Publish a changed snapshot that the timestamp names properly: the online key is in enemy hands."""
    repository.add("releases/0.3.0/release.json", b"{}")
    name = repository.newest("snapshot")
    data = edited(repository.files[name], change, (repository.online,))
    repository.files[name] = data

    def point(part: object) -> None:
        part.version += 1  # type: ignore[attr-defined]
        part.snapshot_meta.length = len(data)  # type: ignore[attr-defined]
        part.snapshot_meta.hashes = {"sha256": hashlib.sha256(data).hexdigest()}  # type: ignore[attr-defined]

    repository.files["timestamp.json"] = edited(
        repository.files["timestamp.json"], point, (repository.online,)
    )


@dataclass
class Gateway:
    """One that was here before the attack."""

    repository: SignedRepository
    folder: TrustFolder
    second: Path
    """Folder of python-tuf's own client, which was here before too."""

    def refresh(self) -> trust.Trusted:
        anchor = hashlib.sha256(self.repository.files["1.root.json"]).hexdigest()
        return self.folder.refresh(self.repository.fetch(), anchor, NOW)

    def second_reading(self) -> None:
        served = self.repository

        class Served(FetcherInterface):
            def _fetch(self, url: str) -> Iterator[bytes]:
                from tuf.api.exceptions import DownloadHTTPError

                name = url.rpartition("/")[2]
                if name not in served.files:
                    raise DownloadHTTPError(name, 404)
                yield served.files[name]

        config = UpdaterConfig(
            root_max_length=trust.ROOT_LIMIT_BYTES,
            timestamp_max_length=trust.TIMESTAMP_LIMIT_BYTES,
            snapshot_max_length=trust.SNAPSHOT_LIMIT_BYTES,
            targets_max_length=trust.TARGETS_LIMIT_BYTES,
        )
        Updater(
            str(self.second),
            "http://fleet/",
            str(self.second),
            "http://fleet/",
            Served(),
            config,
            bootstrap=served.files["1.root.json"],
        ).refresh()


@pytest.fixture
def gateway(tmp_path: Path) -> Gateway:
    second = Path(tempfile.mkdtemp(dir=tmp_path))
    made = Gateway(SignedRepository(), TrustFolder(tmp_path / "trust"), second)
    made.refresh()
    made.second_reading()
    return made


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_by_its_name_and_changes_no_release(gateway: Gateway, name: str) -> None:
    code, change = ATTACKS[name]
    change(gateway.repository)
    with pytest.raises(TrustRefused) as refused:
        gateway.refresh()
    assert refused.value.why.code == f"trust.{code}"
    assert reasons.text(refused.value.why, "fr") != reasons.text(refused.value.why, "en")
    kept = gateway.folder.load()
    assert kept is not None
    assert kept.targets is not None
    assert set(kept.targets.signed.targets) == {RELEASE}


@pytest.mark.parametrize("name", ATTACKS)
def test_python_tuf_s_client_refuses_the_same(gateway: Gateway, name: str) -> None:
    ATTACKS[name][1](gateway.repository)
    with pytest.raises((RepositoryError, DownloadError)):
        gateway.second_reading()


def test_every_attack_of_the_specification_has_a_name_of_its_own() -> None:
    named_codes = {code for code, _ in ATTACKS.values()}
    assert named_codes == {
        *("tampered", "foreign", "too_few", "older", "not_next", "expired", "frozen", "mixed", "endless"),
        "malformed",
    }


def test_what_a_frozen_fleet_gave_before_is_not_taken_later(gateway: Gateway) -> None:
    state = gateway.refresh()
    assert target_of(state, RELEASE, NOW).length == len(CONTENT)
    with pytest.raises(TrustRefused) as refused:
        gateway.folder.refresh(gateway.repository.fetch(), "", NOW + timedelta(days=3))
    assert refused.value.why.code == "trust.frozen"
    with pytest.raises(TrustRefused):
        target_of(state, RELEASE, NOW + timedelta(days=3))


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b" ", b"x" * len(CONTENT)])
def test_a_file_that_is_not_what_was_signed_is_refused(gateway: Gateway, content: bytes) -> None:
    target = target_of(gateway.refresh(), RELEASE, NOW)
    check_content(target, CONTENT)
    with pytest.raises(TrustRefused) as refused:
        check_content(target, content)
    assert refused.value.why.code == "trust.content_differs"


def test_a_release_that_was_taken_out_is_no_release(gateway: Gateway) -> None:
    repository = gateway.repository
    before = repository.files[repository.newest("targets")]
    repository.release(signed(next_targets(before, NOW, remove=(RELEASE,)), repository.targets_keys))
    with pytest.raises(TrustRefused) as refused:
        target_of(gateway.refresh(), RELEASE, NOW)
    assert refused.value.why.code == "trust.not_a_target"


def test_a_stolen_online_key_that_signed_the_highest_version_is_cured_by_a_new_one(gateway: Gateway) -> None:
    repository = gateway.repository
    repository.files["timestamp.json"] = edited(
        repository.files["timestamp.json"], lambda part: setattr(part, "version", 2**62), (repository.online,)
    )
    gateway.refresh()
    stolen = repository.files.pop("timestamp.json")
    (new,) = new_keys(1)
    repository.rotate(online=new)
    assert read(repository.files["timestamp.json"]).signed.version < read(stolen).signed.version
    assert RELEASE in gateway.refresh().targets.signed.targets  # type: ignore[union-attr]
    gateway.second_reading()


def test_the_public_key_s_name_is_for_people_only() -> None:
    (key,) = new_keys(1)
    assert named(key.public_key(), "a").keyid == named(key.public_key(), "b").keyid
    targets = SignedRepository().files["1.targets.json"]
    assert online_documents(targets, None, key, NOW).snapshot_version == int(NOW.timestamp())
