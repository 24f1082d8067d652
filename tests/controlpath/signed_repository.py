"""A repository of signed documents as files in memory, with every key at hand, for tests that attack it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tuf.api.metadata import Metadata

from agent.releases.trust_folder import Fetch
from fleet.trust.documents import (
    Holders,
    first_root,
    first_targets,
    next_root,
    next_targets,
    online_documents,
    read,
    signed_with,
)
from fleet.trust.keys import named

NOW = datetime.now(UTC).replace(microsecond=0)
"""python-tuf's own client, which is the second reading, looks at the clock of the machine."""
RELEASE = "releases/0.2.0/release.json"
CONTENT = b'{"release": "0.2.0"}'
Keys = tuple[Ed25519PrivateKey, ...]


def new_keys(count: int) -> Keys:
    return tuple(Ed25519PrivateKey.generate() for _ in range(count))


def holders(keys: Keys, threshold: int) -> Holders:
    return Holders(
        keys=tuple(named(key.public_key(), f"key-{index}") for index, key in enumerate(keys)),
        threshold=threshold,
    )


def signed(data: bytes, keys: Keys) -> bytes:
    for key in keys:
        data = signed_with(data, key)
    return data


def edited(data: bytes, change: Callable[[Any], None], keys: Keys | None = None) -> bytes:
    """Return a document with its content changed: with the old signatures, or signed by ``keys`` alone."""
    metadata: Metadata[Any] = read(data)
    change(metadata.signed)
    if keys is not None:
        metadata.signatures.clear()
    made = metadata.to_bytes()
    return made if keys is None else signed(made, keys)


@dataclass
class SignedRepository:
    """Root 2 of 3, targets 2 of 2, one online key; ``files`` is what a gateway is served."""

    root_keys: Keys = field(default_factory=lambda: new_keys(3))
    targets_keys: Keys = field(default_factory=lambda: new_keys(2))
    online: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    files: dict[str, bytes] = field(default_factory=dict)
    now: datetime = NOW - timedelta(minutes=10)

    def __post_init__(self) -> None:
        online = named(self.online.public_key(), "online")
        root = first_root(holders(self.root_keys, 2), holders(self.targets_keys, 2), online, self.now)
        self.files["1.root.json"] = signed(root, self.root_keys[:2])
        self.release(signed(first_targets(self.now), self.targets_keys))
        self.add(RELEASE, CONTENT)

    @property
    def root(self) -> bytes:
        return self.files[f"{self.root_version}.root.json"]

    @property
    def root_version(self) -> int:
        return max(int(name.split(".")[0]) for name in self.files if name.endswith(".root.json"))

    def newest(self, role: str) -> str:
        if role == "timestamp":
            return "timestamp.json"
        names = [name for name in self.files if name.endswith(f".{role}.json")]
        return max(names, key=lambda name: int(name.split(".")[0]))

    def release(self, targets: bytes) -> None:
        """Publish a list, and sign what names it; a minute passes."""
        self.now += timedelta(minutes=1)
        self.files[f"{read(targets).signed.version}.targets.json"] = targets
        before = None
        if "timestamp.json" in self.files:
            before = (self.files[self.newest("snapshot")], self.files["timestamp.json"])
        made = online_documents(targets, before, self.online, self.now)
        self.files[f"{made.snapshot_version}.snapshot.json"] = made.snapshot
        self.files["timestamp.json"] = made.timestamp

    def add(self, path: str, content: bytes) -> None:
        before = self.files[self.newest("targets")]
        self.release(signed(next_targets(before, self.now, add={path: content}), self.targets_keys))

    def rotate(self, keys: Keys | None = None, online: Ed25519PrivateKey | None = None) -> None:
        """Publish the next root, signed by the present holders and by the new ones."""
        kept = keys or self.root_keys
        made = next_root(
            self.root,
            self.now,
            holders(kept, 2),
            online=named(online.public_key(), "online") if online else None,
        )
        signers = {id(key): key for key in (*self.root_keys[:2], *kept[:2])}
        self.files[f"{self.root_version + 1}.root.json"] = signed(made, tuple(signers.values()))
        self.root_keys = kept
        if online is not None:
            self.online = online
            self.release(self.files[self.newest("targets")])

    def fetch(self) -> Fetch:
        """Return what serves ``files``, as they are when it is asked."""

        def give(name: str, limit_bytes: int) -> bytes | None:
            data = self.files.get(name)
            return None if data is None else data[: limit_bytes + 1]

        return give
