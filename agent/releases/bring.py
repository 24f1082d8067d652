"""Bring one release into a slot: trusted, fetched, unpacked, compiled, begun once; `passerelle agent fetch`.

A process of its own: what it loads and uses of memory goes with it, and the agent serves meanwhile.  The job
comes on standard input; a refusal goes to standard output as a reason.  The slot belongs to it until it ends;
only the agent, afterwards, writes into the ledger that the release is there.
"""

import fcntl
import os
import platform
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from agent.failures import reason_of
from agent.releases.fetch import Budget, FetchFailed, Source
from agent.releases.model import FETCH_WAIT_S, Job
from agent.releases.slot import PYTHON, PartUnfit, check_part, fill
from agent.releases.store import ReleaseStore
from agent.releases.trust_folder import TrustFolder
from agent.wire import reasons
from agent.wire.reasons import ReasonedError, written
from agent.wire.release import Release, decode_release, release_path
from agent.wire.trust import Trusted, check_content, target_of, within

MARGIN_BYTES = 50_000_000
"""What stays free on the card beside the release, twice its size with its bytecode."""
FAILED = 1
Free = Callable[[Path], int]


def free_bytes_of(folder: Path) -> int:
    """Return how much room the card has."""
    return shutil.disk_usage(folder).free


def main(state: Path) -> int:
    """Carry out the job on standard input; return the exit code.

    An agent that was killed leaves this process behind: it ends by itself, and its lock keeps the next away.
    """
    signal.alarm(FETCH_WAIT_S)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    try:
        bring(job, state)
    except (ReasonedError, OSError) as error:
        print(written(reason_of(error)))
        return FAILED
    return 0


def bring(job: Job, state: Path, *, free: Free = free_bytes_of) -> None:
    """Fill the slot.

    Raises:
        TrustRefused, NotGiven, FetchFailed, PartUnfit, ReleaseUnfit: by name; what arrived is kept.
        OSError: the card.
    """
    store = ReleaseStore(state)
    store.folder.mkdir(exist_ok=True)
    with _alone(store.folder / "lock"):
        _bring(job, store, free)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise FetchFailed(reasons.release.fetched_already()) from error
    finally:
        os.close(descriptor)


def _bring(job: Job, store: ReleaseStore, free: Free) -> None:
    now = datetime.fromtimestamp(job.now_us / 1_000_000, UTC)
    budget = Budget(store.folder / "spent", f"{now:%Y-%m}", job.month_budget_bytes)
    budget.check()
    source = Source(base=job.url, ca_pem=job.ca_pem, rate_kbit_per_s=job.rate_kbit_per_s, spend=budget.spend)
    try:
        trusted = TrustFolder(store.folder / "trust").refresh(source.document, job.anchor_sha256, now)
        release = _release(trusted, source, job.name, now)
        parts = _parts(release, source, store.folder / "parts", free)
    finally:
        budget.save()
    fill(store.slot(job.slot), release, parts)


def _release(trusted: Trusted, source: Source, name: str, now: datetime) -> Release:
    path = release_path(name, platform.machine(), PYTHON)
    target = target_of(trusted, path, now)
    data = source.target(f"{target.hashes['sha256']}.{path.rpartition('/')[2]}", target.length)
    if data is None:
        raise FetchFailed(reasons.release.not_served(name=path, http_status=404))
    check_content(target, within("release", data, target.length))
    release = decode_release(data)
    if release.path != path:
        raise PartUnfit(reasons.release.part_unfit(name=path, detail=release.path))
    return release


def _parts(release: Release, source: Source, folder: Path, free: Free) -> list[Path]:
    """Return the parts as files; those that are here are not fetched again, those of no use go."""
    folder.mkdir(exist_ok=True)
    wanted = {part.sha256 for part in release.parts}
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()
    free_bytes = free(folder)
    need_bytes = release.packed_bytes + 2 * sum(part.unpacked_bytes for part in release.parts) + MARGIN_BYTES
    if free_bytes < need_bytes:
        raise FetchFailed(reasons.release.no_room(need_bytes=need_bytes, free_bytes=free_bytes))
    for part in release.parts:
        path = folder / part.sha256
        source.part(part, path)
        if path.stat().st_size < part.packed_bytes:
            raise FetchFailed(reasons.release.cut_off(name=part.name))
        try:
            check_part(part, path)
        except PartUnfit:
            path.unlink()
            raise
    return [folder / part.sha256 for part in release.parts]
