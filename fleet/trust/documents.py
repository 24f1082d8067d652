"""The documents of the roles, made and signed: pure, bytes in and bytes out, the instant is given.

Root and targets are made here unsigned and then signed by ``signed_with``, once for each key, on whatever
machine holds it.  Snapshot and timestamp are made and signed together by the fleet's own key.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, MetaFile, Role, Root, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

ROOT_LIFE = timedelta(days=365)
TARGETS_LIFE = timedelta(days=365)
SNAPSHOT_LIFE = timedelta(days=14)
TIMESTAMP_LIFE = timedelta(days=2)
"""So long a frozen repository is not noticed at most; the fleet signs anew after half of it."""
KEYS_LIMIT = 16
"""Keys of one role."""


class DocumentRefused(ValueError):
    """Keys, thresholds or a document that make no sense; says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """Who signs for a role: so many of these keys."""

    keys: tuple[SSlibKey, ...]
    threshold: int = 1

    def checked(self, role: str) -> "Holders":
        """Return these if they can sign.

        Raises:
            DocumentRefused: no key, one twice, too many, or a threshold that nobody reaches.
        """
        numbers = {key.keyid for key in self.keys}
        if len(numbers) != len(self.keys) or not 1 <= len(numbers) <= KEYS_LIMIT:
            raise DocumentRefused(f"{role}: 1 to {KEYS_LIMIT} different keys")
        if not 1 <= self.threshold <= len(numbers):
            raise DocumentRefused(f"{role}: threshold {self.threshold} of {len(numbers)} keys")
        return self


def first_root(root: Holders, targets: Holders, online: SSlibKey, now: datetime) -> bytes:
    """Return the first root, unsigned.

    Raises:
        DocumentRefused: by what is wrong with the keys.
    """
    return _root(1, root, targets, online, now)


def next_root(
    before: bytes,
    now: datetime,
    root: Holders | None = None,
    targets: Holders | None = None,
    online: SSlibKey | None = None,
) -> bytes:
    """Return the root after ``before``, unsigned; what is not given stays, only its life begins anew.

    Raises:
        DocumentRefused: ``before`` is no root, or by what is wrong with the keys.
    """
    signed = read(before, Root).signed
    return _root(
        signed.version + 1,
        root or holders_of(signed, "root"),
        targets or holders_of(signed, "targets"),
        online or holders_of(signed, "timestamp").keys[0],
        now,
    )


def holders_of(root: Root, role: str) -> Holders:
    """Return who signs for a role by ``root``."""
    keys = tuple(root.keys[keyid] for keyid in root.roles[role].keyids)
    return Holders(keys=keys, threshold=root.roles[role].threshold)  # type: ignore[arg-type]


def _root(version: int, root: Holders, targets: Holders, online: SSlibKey, now: datetime) -> bytes:
    of_roles = {
        "root": root.checked("root"),
        "targets": targets.checked("targets"),
        "snapshot": Holders(keys=(online,)),
        "timestamp": Holders(keys=(online,)),
    }
    offline = {key.keyid for role in ("root", "targets") for key in of_roles[role].keys}
    if online.keyid in offline:
        raise DocumentRefused("the fleet's own key signs neither root nor targets")
    signed = Root(
        version=version,
        expires=_end(now, ROOT_LIFE),
        keys={key.keyid: key for each in of_roles.values() for key in each.keys},
        roles={
            role: Role([key.keyid for key in each.keys], each.threshold) for role, each in of_roles.items()
        },
        consistent_snapshot=True,
    )
    return Metadata(signed).to_bytes()


def first_targets(now: datetime) -> bytes:
    """Return the first list of releases: none, unsigned."""
    return Metadata(Targets(version=1, expires=_end(now, TARGETS_LIFE))).to_bytes()


def next_targets(
    before: bytes, now: datetime, *, add: dict[str, bytes] | None = None, remove: tuple[str, ...] = ()
) -> bytes:
    """Return the list after ``before`` with some more and some fewer files, unsigned.

    Raises:
        DocumentRefused: ``before`` is no list, or does not hold what shall go.
    """
    signed = read(before, Targets).signed
    targets = dict(signed.targets)
    for path in remove:
        if targets.pop(path, None) is None:
            raise DocumentRefused(f"{path}: not in the list")
    for path, content in (add or {}).items():
        targets[path] = TargetFile.from_data(path, content, ["sha256"])
    made = Targets(version=signed.version + 1, expires=_end(now, TARGETS_LIFE), targets=targets)
    return Metadata(made).to_bytes()


def signed_with(data: bytes, key: Ed25519PrivateKey) -> bytes:
    """Return a document with one more signature.

    Raises:
        DocumentRefused: it is none.
    """
    metadata = read(data)
    metadata.sign(CryptoSigner(key), append=True)
    return metadata.to_bytes()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnlineDocuments:
    """Snapshot and timestamp, with the numbers that their files bear."""

    snapshot_version: int
    snapshot: bytes
    timestamp: bytes


def online_documents(
    targets: bytes, before: tuple[bytes, bytes] | None, key: Ed25519PrivateKey, now: datetime
) -> OnlineDocuments:
    """Return snapshot and timestamp over ``targets``, signed; ``before``: the present snapshot and timestamp.

    Their versions are the seconds of UTC, or the next number where the clock stands behind: so a fleet that
    was restored from an older copy is not taken for a rollback.
    """
    old_snapshot = read(before[0], Snapshot).signed.version if before else 0
    old_timestamp = read(before[1], Timestamp).signed.version if before else 0
    listed = MetaFile(
        version=read(targets, Targets).signed.version, length=len(targets), hashes=_hashes(targets)
    )
    seconds = int(now.timestamp())
    snapshot = Snapshot(
        version=max(seconds, old_snapshot + 1),
        expires=_end(now, SNAPSHOT_LIFE),
        meta={"targets.json": listed},
    )
    snapshot_bytes = signed_with(Metadata(snapshot).to_bytes(), key)
    named = MetaFile(version=snapshot.version, length=len(snapshot_bytes), hashes=_hashes(snapshot_bytes))
    timestamp = Timestamp(
        version=max(seconds, old_timestamp + 1), expires=_end(now, TIMESTAMP_LIFE), snapshot_meta=named
    )
    timestamp_bytes = signed_with(Metadata(timestamp).to_bytes(), key)
    return OnlineDocuments(
        snapshot_version=snapshot.version, snapshot=snapshot_bytes, timestamp=timestamp_bytes
    )


def is_stale(timestamp: bytes, now: datetime) -> bool:
    """Return whether half of a timestamp's life is over: it is signed anew."""
    end: datetime = read(timestamp, Timestamp).signed.expires
    return end - now < TIMESTAMP_LIFE / 2


def read(data: bytes, kind: type[Any] | None = None) -> Metadata[Any]:
    """Return a document, of this kind if one is named.

    Raises:
        DocumentRefused: it is none.
    """
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data)
    except DeserializationError as error:
        raise DocumentRefused(f"not a document of TUF: {error}") from error
    if kind is not None and not isinstance(metadata.signed, kind):
        raise DocumentRefused(f"a {metadata.signed.type}, not a {kind.type}")
    return metadata


def _hashes(data: bytes) -> dict[str, str]:
    return {"sha256": hashlib.sha256(data).hexdigest()}


def _end(now: datetime, life: timedelta) -> datetime:
    return (now.astimezone(UTC) + life).replace(microsecond=0)
