"""The signed documents on the fleet's disk, ``DATA/trust/``: published only if a gateway would believe them.

    N.root.json  N.targets.json  N.snapshot.json   never written again
    timestamp.json                                 replaced in one rename, last: until then nothing is seen

``targets/SHA256.NAME`` holds the files that targets names, ``parts/SHA256`` what these releases are made of.
A lock keeps `fleet trust accept` and the serving process, which signs a stale timestamp anew, apart.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import SSlibKey
from tuf.api.metadata import Root, Targets

from agent.wire import trust
from agent.wire.release import decode_release
from agent.wire.trust import Trusted, TrustRefused
from fleet.identity.ends import Credential
from fleet.identity.keys import read_signing, replace_file, write_private
from fleet.trust.documents import (
    DocumentRefused,
    is_stale,
    online_documents,
    read,
)
from fleet.trust.keys import public_pem

ONLINE_KEY = "online.key"
DOCUMENT_NAME = re.compile(r"([0-9]+\.(root|targets|snapshot)|timestamp)\.json")
SNAPSHOTS_KEPT = 8
"""Older ones go: a gateway reads the one that the timestamp names, or starts again."""
CONTENT_LIMIT_BYTES = 1_000_000
"""Bytes of a file that targets names: it lists, it holds no program."""


class Repository:
    """The documents of one fleet."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "trust"
        self._key_file = data / "keys" / ONLINE_KEY

    @property
    def founded(self) -> bool:
        """Whether a first root was accepted."""
        return self._path("1.root.json").exists()

    def online_public(self) -> bytes:
        """Return the public half of this host's key as PEM; the key is made if there is none."""
        if not self._key_file.exists():
            write_private(self._key_file, Ed25519PrivateKey.generate())
        return public_pem(read_signing(self._key_file).public_key())

    def anchor_sha256(self) -> str:
        """Return the hash of the first root, by which a gateway is to be given it."""
        return hashlib.sha256(self._path("1.root.json").read_bytes()).hexdigest()

    def roots(self) -> list[bytes]:
        """Return every root, first to newest."""
        found: list[bytes] = []
        while (path := self._path(f"{len(found) + 1}.root.json")).exists():
            found.append(path.read_bytes())
        return found

    def file(self, kind: str, name: str) -> Path | None:
        """Return the published file of a kind (metadata, targets, parts); None: none has that name."""
        if kind == "metadata" and not DOCUMENT_NAME.fullmatch(name):
            return None
        path = self._path(name if kind == "metadata" else f"{kind}/{name}")
        return path if path.is_file() else None

    def accept(
        self, documents: list[bytes], contents: list[bytes], now: datetime, *, parts: Path | None = None
    ) -> Trusted:
        """Publish roots and targets in this order, and sign the new state of the lists.

        ``contents``: the files of releases that targets newly names; ``parts``: the folder with what these
        name in turn, as far as it is not published yet.

        Raises:
            TrustRefused: a gateway would refuse it; nothing was published.
            DocumentRefused: neither root nor targets, out of turn, or a file that targets names is missing.
        """
        with self._locked():
            roots, targets = self.roots(), self._newest("targets")
            for data in documents:
                if isinstance(read(data).signed, Root):
                    roots.append(data)
                else:
                    targets = data
            if targets is None:
                raise DocumentRefused("no list of releases (targets) yet: give it with the root")
            given = self._contents(targets, contents)
            brought = {part for content in given.values() for part in self._parts(content, parts)}
            for part in sorted(brought):
                self._bring(part)
            return self._publish(roots, targets, given, now)

    def renew(self, now: datetime) -> None:
        """Sign the state of the lists anew if half of the timestamp's life is over."""
        if not self.founded or not is_stale(self._path("timestamp.json").read_bytes(), now):
            return
        with self._locked():
            targets = self._newest("targets")
            if targets is not None and is_stale(self._path("timestamp.json").read_bytes(), now):
                with suppress(TrustRefused):  # a root or list beyond its end: gateways, and ``show``, say so
                    self._publish(self.roots(), targets, {}, now)

    def trusted(self, now: datetime) -> Trusted:
        """Return what a gateway that was never here would believe.

        Raises:
            TrustRefused: by name.
        """
        state = _followed(self.roots())
        state = trust.with_timestamp(state, self._path("timestamp.json").read_bytes(), now)
        wanted = state.snapshot_wanted
        assert wanted is not None
        state = trust.with_snapshot(state, self._path(f"{wanted.version}.snapshot.json").read_bytes(), now)
        wanted = state.targets_wanted
        assert wanted is not None
        return trust.with_targets(state, self._path(f"{wanted.version}.targets.json").read_bytes(), now)

    def ends(self) -> tuple[Credential, ...]:
        """Return when the root and the list of releases end; nothing before the first root."""
        targets = self._newest("targets")
        if not self.founded or targets is None:
            return ()
        ends = {
            "release_root": read(self.roots()[-1]).signed.expires,
            "release_list": read(targets).signed.expires,
        }
        return tuple(
            Credential(
                name=name, begins_at_us=0, ends_at_us=int(at.timestamp()) * 1_000_000, renews_itself=False
            )
            for name, at in ends.items()
        )

    def _publish(
        self, roots: list[bytes], targets: bytes, contents: dict[str, bytes], now: datetime
    ) -> Trusted:
        key = read_signing(self._key_file)
        snapshot, timestamp = self._newest("snapshot"), self._path("timestamp.json")
        before = (snapshot, timestamp.read_bytes()) if snapshot is not None and timestamp.exists() else None
        online = online_documents(targets, before, key, now)
        state = _believed(_followed(roots), targets, online.snapshot, online.timestamp, now)
        self._check_order(targets)
        version = read(targets, Targets).signed.version
        for name, content in contents.items():
            self._keep(f"targets/{name}", content)
        for number, root in enumerate(roots, 1):
            self._keep(f"{number}.root.json", root)
        self._keep(f"{version}.targets.json", targets)
        replace_file(self._path(f"{online.snapshot_version}.snapshot.json"), online.snapshot)
        replace_file(timestamp, online.timestamp)
        for number in sorted(self._numbers("snapshot"))[:-SNAPSHOTS_KEPT]:
            self._path(f"{number}.snapshot.json").unlink()
        return state

    def _check_order(self, targets: bytes) -> None:
        held = self._newest("targets")
        if held is None or held == targets:
            return
        version, newest = (read(each, Targets).signed.version for each in (targets, held))
        if version != newest + 1:
            raise DocumentRefused(f"targets: version {version}, {newest + 1} is next")

    def _contents(self, targets: bytes, contents: list[bytes]) -> dict[str, bytes]:
        """Return by file name what ``targets`` names and is not published yet."""
        given = {hashlib.sha256(content).hexdigest(): content for content in contents}
        wanted: dict[str, bytes] = {}
        for path, target in read(targets, Targets).signed.targets.items():
            name = file_of(path, target.hashes["sha256"])
            if self._path(f"targets/{name}").exists():
                continue
            content = given.get(target.hashes["sha256"])
            if content is None or len(content) > CONTENT_LIMIT_BYTES:
                raise DocumentRefused(f"{path}: give the file that was signed, at most 1 MB")
            trust.check_content(target, content)
            wanted[name] = content
        return wanted

    def _parts(self, content: bytes, folder: Path | None) -> list[Path]:
        """Return the parts of one release that are to be published; each is what the release says."""
        found = []
        for part in decode_release(content).parts:
            if self._path(f"parts/{part.sha256}").exists():
                continue
            path = (folder or self._path("parts")) / part.sha256
            if (
                not path.is_file()
                or sha256_of(path) != part.sha256
                or path.stat().st_size != part.packed_bytes
            ):
                raise DocumentRefused(f"part {part.name}: not in {path.parent} as the release says")
            found.append(path)
        return found

    def _bring(self, part: Path) -> None:
        path = self._path(f"parts/{part.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, part.read_bytes())

    def _newest(self, role: str) -> bytes | None:
        numbers = self._numbers(role)
        return self._path(f"{max(numbers)}.{role}.json").read_bytes() if numbers else None

    def _numbers(self, role: str) -> list[int]:
        return [int(path.name.split(".")[0]) for path in self.folder.glob(f"*.{role}.json")]

    def _keep(self, name: str, content: bytes) -> None:
        path = self._path(name)
        if path.exists():
            if path.read_bytes() != content:
                raise DocumentRefused(f"{name} is published already, and other")
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)

    def _path(self, name: str) -> Path:
        return self.folder / name

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the hash of a file, read piece by piece."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_of(path: str, sha256: str) -> str:
    """Return under which name a file of targets lies: its hash before its last part (TUF 6.2.1)."""
    return f"{sha256}.{path.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """Signatures that a document waits for, by one root."""

    role: str
    root_version: int
    count: int
    unsigned: tuple[SSlibKey, ...]


def lacking(document: bytes, root: Root) -> list[Lacking]:
    """Return which signatures a document waits for: by this root, and by itself if it is the next one."""
    metadata = read(document)
    role, judges = metadata.signed.type, [root]
    if isinstance(metadata.signed, Root) and metadata.signed.version != root.version:
        judges.append(metadata.signed)
    found = []
    for each in judges:
        result = each.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
        if not result.verified:
            unsigned = tuple(key for key in result.unsigned.values() if isinstance(key, SSlibKey))
            one = Lacking(role=role, root_version=each.version, count=result.missing, unsigned=unsigned)
            found.append(one)
    return found


def _followed(roots: list[bytes]) -> Trusted:
    if not roots:
        raise DocumentRefused("no root yet: `passerelle fleet trust init` makes the first")
    state = trust.anchored(roots[0])
    for root in roots[1:]:
        state = trust.with_root(state, root)
    return state


def _believed(state: Trusted, targets: bytes, snapshot: bytes, timestamp: bytes, now: datetime) -> Trusted:
    state = trust.with_timestamp(state, timestamp, now)
    state = trust.with_snapshot(state, snapshot, now)
    return trust.with_targets(state, targets, now)
