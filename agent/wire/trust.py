"""Believe, or refuse by name, what the roles of The Update Framework signed: pure, no disk and no clock.

    root ──▶ timestamp ──▶ snapshot ──▶ targets ──▶ a release
    offline   online        online       offline

Root says whose keys sign what; targets says what is a valid release; snapshot and timestamp, which the fleet
manager signs, say which targets are the newest.  Fleet and gateway judge by this one file, so that nothing is
published that a gateway refuses.

Sources: TUF specification 1.0.33, 5.3 (root), 5.4 (timestamp), 5.5 (snapshot), 5.6 (targets).  Parsing and
signatures are python-tuf's (``tuf.api.metadata``).
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from tuf.api.exceptions import LengthOrHashMismatchError
from tuf.api.metadata import Metadata, MetaFile, Root, Signed, Snapshot, TargetFile, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from agent.wire import reasons

ROOT_LIMIT_BYTES = 64 * 1024
TIMESTAMP_LIMIT_BYTES = 16 * 1024
SNAPSHOT_LIMIT_BYTES = 64 * 1024
TARGETS_LIMIT_BYTES = 512 * 1024
ROOTS_LIMIT = 64
"""Rotations that are followed in one refresh; what lies beyond waits for the next."""

S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


class TrustRefused(reasons.ReasonedError, ValueError):
    """Metadata, or a file, that is not believed; ``why`` names the attack or the fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed(Generic[S]):
    """One believed document: bytes for the disk, and what they say."""

    data: bytes
    signed: S


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What is believed at this point of the workflow; None: not seen yet."""

    root: Believed[Root]
    timestamp: Believed[Timestamp] | None = None
    snapshot: Believed[Snapshot] | None = None
    targets: Believed[Targets] | None = None

    @property
    def snapshot_wanted(self) -> MetaFile | None:
        """The snapshot that the timestamp names, if it is not the believed one."""
        if self.timestamp is None:
            return None
        named = self.timestamp.signed.snapshot_meta
        held = self.snapshot
        return None if held is not None and held.signed.version == named.version else named

    @property
    def targets_wanted(self) -> MetaFile | None:
        """The targets that the snapshot names, if they are not the believed ones."""
        if self.snapshot is None:
            return None
        named = self.snapshot.signed.meta["targets.json"]
        held = self.targets
        return None if held is not None and held.signed.version == named.version else named


def anchored(data: bytes) -> Trusted:
    """Return trust that begins with a root; who calls it knows that these bytes are the right ones.

    Raises:
        TrustRefused: it is no root, or not signed by its own threshold.
    """
    metadata = _parsed(Root, "root", data, ROOT_LIMIT_BYTES)
    _check_signatures(metadata.signed, "root", metadata)
    return Trusted(root=Believed(data=data, signed=metadata.signed))


def named_root(data: bytes, sha256: str) -> Trusted:
    """Return trust that begins with the root of this hash.

    Raises:
        TrustRefused: the bytes are others, or no root.
    """
    if hashlib.sha256(data).hexdigest() != sha256:
        raise TrustRefused(reasons.trust.other_anchor())
    return anchored(data)


def with_root(trusted: Trusted, data: bytes) -> Trusted:
    """Return trust in the next root: signed by the threshold of the present one and by its own.

    What a replaced key signed is forgotten.  Where the online keys change, that is timestamp and snapshot, so
    that who had stolen them and signed the highest version there is has no lasting effect (5.3.11).

    Raises:
        TrustRefused: by name.
    """
    metadata = _parsed(Root, "root", data, ROOT_LIMIT_BYTES)
    before, after = trusted.root.signed, metadata.signed
    _check_signatures(before, "root", metadata)
    if after.version != before.version + 1:
        why = reasons.trust.not_next(role="root", version=after.version, expected_version=before.version + 1)
        raise TrustRefused(why)
    _check_signatures(after, "root", metadata)
    kept = {
        role: held
        for role, held in (
            ("timestamp", trusted.timestamp),
            ("snapshot", trusted.snapshot),
            ("targets", trusted.targets),
        )
        if _signers(before, role) == _signers(after, role)
    }
    if not {"timestamp", "snapshot"} <= kept.keys():
        kept |= {"timestamp": None, "snapshot": None}
    return Trusted(root=Believed(data=data, signed=after), **kept)  # type: ignore[arg-type]


def restored(
    trusted: Trusted, timestamp: bytes | None, snapshot: bytes | None, targets: bytes | None
) -> Trusted:
    """Return trust with what was believed before, as far as the root's present holders signed it.

    Expiry is judged where it is used; these are there so that nothing older is taken.
    """
    root = trusted.root.signed
    held = _if_signed(root, Snapshot, "snapshot", snapshot)
    return Trusted(
        root=trusted.root,
        timestamp=_if_signed(root, Timestamp, "timestamp", timestamp),
        snapshot=held if held is not None and "targets.json" in held.signed.meta else None,
        targets=_if_signed(root, Targets, "targets", targets),
    )


def with_timestamp(trusted: Trusted, data: bytes, now: datetime) -> Trusted:
    """Return trust with this timestamp; an equal version changes nothing.

    Raises:
        TrustRefused: by name.
    """
    _check_unexpired("root", trusted.root.signed, now)
    metadata = _parsed(Timestamp, "timestamp", data, TIMESTAMP_LIMIT_BYTES)
    _check_signatures(trusted.root.signed, "timestamp", metadata)
    if trusted.timestamp is not None:
        before = trusted.timestamp.signed
        _check_not_older("timestamp", metadata.signed.version, before.version)
        _check_not_older("snapshot", metadata.signed.snapshot_meta.version, before.snapshot_meta.version)
    _check_not_frozen(metadata.signed, now)
    if trusted.timestamp is not None and metadata.signed.version == trusted.timestamp.signed.version:
        return trusted
    return replace(trusted, timestamp=Believed(data=data, signed=metadata.signed))


def with_snapshot(trusted: Trusted, data: bytes, now: datetime) -> Trusted:
    """Return trust with the snapshot that the timestamp names.

    Raises:
        TrustRefused: by name.
    """
    assert trusted.timestamp is not None
    named = trusted.timestamp.signed.snapshot_meta
    metadata = _parsed(Snapshot, "snapshot", data, SNAPSHOT_LIMIT_BYTES)
    _check_named("snapshot", named, data, metadata.signed.version)
    _check_signatures(trusted.root.signed, "snapshot", metadata)
    listed = metadata.signed.meta
    if "targets.json" not in listed:
        raise TrustRefused(reasons.trust.mixed(role="targets"))
    if trusted.snapshot is not None:
        for name, before in trusted.snapshot.signed.meta.items():
            version = listed[name].version if name in listed else 0
            _check_not_older(name.removesuffix(".json"), version, before.version)
    _check_unexpired("snapshot", metadata.signed, now)
    return replace(trusted, snapshot=Believed(data=data, signed=metadata.signed))


def with_targets(trusted: Trusted, data: bytes, now: datetime) -> Trusted:
    """Return trust with the targets that the snapshot names.

    Raises:
        TrustRefused: by name.
    """
    assert trusted.snapshot is not None
    named = trusted.snapshot.signed.meta["targets.json"]
    metadata = _parsed(Targets, "targets", data, TARGETS_LIMIT_BYTES)
    _check_named("targets", named, data, metadata.signed.version)
    _check_signatures(trusted.root.signed, "targets", metadata)
    _check_unexpired("targets", metadata.signed, now)
    return replace(trusted, targets=Believed(data=data, signed=metadata.signed))


def target_of(trusted: Trusted, path: str, now: datetime) -> TargetFile:
    """Return what is signed about ``path``; every role is complete and in force at ``now``.

    Raises:
        TrustRefused: by name.
    """
    if trusted.timestamp is None or trusted.snapshot is None or trusted.targets is None:
        raise TrustRefused(reasons.trust.not_a_target(path=path))
    if trusted.snapshot_wanted or trusted.targets_wanted:
        raise TrustRefused(reasons.trust.mixed(role="targets"))
    _check_unexpired("root", trusted.root.signed, now)
    _check_not_frozen(trusted.timestamp.signed, now)
    _check_unexpired("snapshot", trusted.snapshot.signed, now)
    _check_unexpired("targets", trusted.targets.signed, now)
    found = trusted.targets.signed.targets.get(path)
    if found is None:
        raise TrustRefused(reasons.trust.not_a_target(path=path))
    return found


def check_content(target: TargetFile, data: bytes) -> None:
    """Return if ``data`` is what was signed.

    Raises:
        TrustRefused: another length or another hash.
    """
    try:
        target.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as error:
        raise TrustRefused(reasons.trust.content_differs(path=target.path)) from error


def within(role: str, data: bytes, limit_bytes: int) -> bytes:
    """Return ``data`` if a reader that stops one byte after the limit was not stopped.

    Raises:
        TrustRefused: endless data.
    """
    if len(data) > limit_bytes:
        raise TrustRefused(reasons.trust.endless(role=role, limit_bytes=limit_bytes))
    return data


def _parsed(kind: type[S], role: str, data: bytes, limit_bytes: int) -> Metadata[S]:
    within(role, data, limit_bytes)
    try:
        metadata: Metadata[Any] = Metadata.from_bytes(data)
    except DeserializationError as error:
        raise TrustRefused(reasons.trust.malformed(role=role, detail=str(error))) from error
    if not isinstance(metadata.signed, kind):
        detail = f"type {metadata.signed.type}"
        raise TrustRefused(reasons.trust.malformed(role=role, detail=detail))
    return metadata


def _if_signed(root: Root, kind: type[S], role: str, data: bytes | None) -> "Believed[S] | None":
    if data is None:
        return None
    try:
        metadata = _parsed(kind, role, data, TARGETS_LIMIT_BYTES)
        _check_signatures(root, role, metadata)
    except TrustRefused:
        return None
    return Believed(data=data, signed=metadata.signed)


def _check_signatures(root: Root, role: str, metadata: Metadata[Any]) -> None:
    """Return if the threshold of ``role`` signed; else tell strangers, changed bytes and too few apart."""
    result = root.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
    if result.verified:
        return
    ours = [keyid for keyid in metadata.signatures if keyid in root.roles[role].keyids]
    if not ours:
        raise TrustRefused(reasons.trust.foreign(role=role))
    if len(result.signed) < len(ours):
        raise TrustRefused(reasons.trust.tampered(role=role))
    why = reasons.trust.too_few(
        role=role, valid_signatures=len(result.signed), least_signatures=result.threshold
    )
    raise TrustRefused(why)


def _check_not_older(role: str, version: int, trusted_version: int) -> None:
    if version < trusted_version:
        why = reasons.trust.older(role=role, version=version, trusted_version=trusted_version)
        raise TrustRefused(why)


def _check_named(role: str, named: MetaFile, data: bytes, version: int) -> None:
    try:
        named.verify_length_and_hashes(data)
    except LengthOrHashMismatchError as error:
        raise TrustRefused(reasons.trust.mixed(role=role)) from error
    if version != named.version:
        raise TrustRefused(reasons.trust.mixed(role=role))


def _check_unexpired(role: str, signed: Signed, now: datetime) -> None:
    if signed.is_expired(now):
        raise TrustRefused(reasons.trust.expired(role=role, expired_at=_written(signed.expires)))


def _check_not_frozen(timestamp: Timestamp, now: datetime) -> None:
    if timestamp.is_expired(now):
        raise TrustRefused(reasons.trust.frozen(expired_at=_written(timestamp.expires)))


def _written(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _signers(root: Root, role: str) -> tuple[frozenset[str], int]:
    return frozenset(root.roles[role].keyids), root.roles[role].threshold
