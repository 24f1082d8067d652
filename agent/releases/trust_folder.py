"""What this gateway trusts, on its disk, and how it follows the fleet: a shell around ``agent.wire.trust``.

``trust/``: ``root.json``, ``timestamp.json``, ``snapshot.json``, ``targets.json``.  Each is written, durably,
as soon as it is believed, root by root, so that a power cut loses at most the newest step.  What the card
damaged is fetched again; a damaged root begins again at the first, by the hash that the caller names.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from agent.durable import write_durably
from agent.wire import reasons, trust
from agent.wire.reasons import Reason
from agent.wire.trust import Trusted, TrustRefused

Write = Callable[[Path, bytes], None]


class NotGiven(reasons.ReasonedError, OSError):
    """The fleet, or the line to it, did not give a document."""


class Fetch(Protocol):
    """Brings one document of the fleet's repository by its file name."""

    def __call__(self, name: str, limit_bytes: int) -> bytes | None:
        """Return at most one byte more than the limit; None: there is none.

        Raises:
            NotGiven: the line or the server.
        """
        ...


class TrustFolder:
    """The trust of one gateway."""

    damage: Reason | None = None
    """Why the root on the card is not used; None: it is, or there was none."""

    def __init__(self, folder: Path, *, write: Write = write_durably) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._write = folder, write

    def load(self) -> Trusted | None:
        """Return what is believed, checked again; None: nothing yet, or the root is damaged."""
        self.damage, root = None, self._read("root")
        if root is None:
            return None
        try:
            trusted = trust.anchored(root)
        except TrustRefused as error:
            self.damage = reasons.trust.root_damaged(detail=str(error))
            return None
        return trust.restored(trusted, self._read("timestamp"), self._read("snapshot"), self._read("targets"))

    def refresh(self, fetch: Fetch, anchor_sha256: str, now: datetime) -> Trusted:
        """Return what is believed once the fleet was asked; ``anchor_sha256`` names the first root of all.

        Raises:
            TrustRefused: what came is not believed; what was believed before stays.
            NotGiven: the line or the server.
        """
        trusted = self._followed(self.load() or self._anchored(fetch, anchor_sha256), fetch)
        data = self._given(fetch, "timestamp", "timestamp.json", trust.TIMESTAMP_LIMIT_BYTES)
        trusted = self._kept("timestamp", trust.with_timestamp(trusted, data, now))
        if (wanted := trusted.snapshot_wanted) is not None:
            limit = min(wanted.length or trust.SNAPSHOT_LIMIT_BYTES, trust.SNAPSHOT_LIMIT_BYTES)
            data = self._given(fetch, "snapshot", f"{wanted.version}.snapshot.json", limit)
            trusted = self._kept("snapshot", trust.with_snapshot(trusted, data, now))
        if (wanted := trusted.targets_wanted) is not None:
            limit = min(wanted.length or trust.TARGETS_LIMIT_BYTES, trust.TARGETS_LIMIT_BYTES)
            data = self._given(fetch, "targets", f"{wanted.version}.targets.json", limit)
            trusted = self._kept("targets", trust.with_targets(trusted, data, now))
        return trusted

    def _anchored(self, fetch: Fetch, sha256: str) -> Trusted:
        data = self._given(fetch, "root", "1.root.json", trust.ROOT_LIMIT_BYTES)
        return self._kept("root", trust.named_root(data, sha256))

    def _followed(self, trusted: Trusted, fetch: Fetch) -> Trusted:
        """Follow every root that was signed since, one after the other."""
        for _ in range(trust.ROOTS_LIMIT):
            name = f"{trusted.root.signed.version + 1}.root.json"
            data = fetch(name, trust.ROOT_LIMIT_BYTES)
            if data is None:
                return trusted
            trust.within("root", data, trust.ROOT_LIMIT_BYTES)
            trusted = self._kept("root", trust.with_root(trusted, data))
        raise TrustRefused(reasons.trust.too_many_roots(most=trust.ROOTS_LIMIT))

    def _given(self, fetch: Fetch, role: str, name: str, limit_bytes: int) -> bytes:
        data = fetch(name, limit_bytes)
        if data is None:
            raise NotGiven(reasons.trust.absent(role=role))
        return trust.within(role, data, limit_bytes)

    def _kept(self, role: str, trusted: Trusted) -> Trusted:
        held = getattr(trusted, role)
        self._write(self._folder / f"{role}.json", held.data)
        return trusted

    def _read(self, role: str) -> bytes | None:
        try:
            return (self._folder / f"{role}.json").read_bytes()
        except OSError:
            return None
