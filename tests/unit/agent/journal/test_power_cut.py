"""Power cuts on a real ext4 whose unsynced writes are lost: the medium is copied as it is, and looked at.

A file system on a loop device keeps what is not synced in memory; a copy of the device's backing file is
therefore what a power cut at that instant leaves on the card.  Needs root and loop devices.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from agent.journal.alive import ALIVE_EVERY_US
from agent.journal.journal import Journal
from agent.journal.recent import RecentLog
from agent.journal.store import JOURNAL
from agent.wire.messages import Change, JournalRecord, PreviousBoot, TimeQuality
from tests.controlpath.virtual import VirtualClock

IMAGE_BYTES = 8 << 20
CUTS = 5
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/loop-control").exists() or shutil.which("mkfs.ext4") is None,
    reason="a power cut needs root, /dev/loop-control and mkfs.ext4 (apt-get install e2fsprogs)",
)


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    at.mkdir()
    subprocess.run(["mount", "-o", "loop", image, at], check=True)
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    image = tmp_path / "card.img"
    with image.open("wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    return image


def copy_of(card: Path, tmp_path: Path, name: str) -> Path:
    copied = tmp_path / name
    subprocess.run(["cp", "--sparse=always", card, copied], check=True)
    return copied


def left_by(
    card: Path, tmp_path: Path, name: str
) -> tuple[PreviousBoot | None, list[JournalRecord], list[str]]:
    """Return what the next boot finds after the power went at this instant."""
    with mounted(copy_of(card, tmp_path, f"{name}.img"), tmp_path / name) as folder:
        journal = Journal(folder / "journal", boot=2, clock=VirtualClock())
        rows = journal.outbox.oldest(JOURNAL, limit=1_000, limit_bytes=10**6)
        log = RecentLog()
        log.keep(folder / "journal")
        journal.outbox.close()
        records = [msgspec.msgpack.decode(body, type=JournalRecord) for _, body in rows]
        return journal.previous, [one for one in records if one.boot == 1], log.before


@pytest.mark.parametrize("quality", [TimeQuality.NTP, TimeQuality.UNTRUSTED])
def test_the_time_of_death_is_known_to_30_s_and_no_change_of_state_is_lost(
    card: Path, tmp_path: Path, quality: TimeQuality
) -> None:
    chance = random.Random(20261122)
    clock = VirtualClock(trusted=quality)
    with mounted(card, tmp_path / "card") as folder:
        journal = Journal(folder / "journal", boot=1, clock=clock)
        alive_at_us, written = clock.now_us, 1
        for cut in range(CUTS):
            for _ in range(chance.randrange(1, 9)):
                clock.advance(chance.randrange(1, 29))
                if clock.now_us - alive_at_us >= ALIVE_EVERY_US:
                    alive_at_us = clock.now_us
                    journal.still_alive()
                if chance.random() < 0.5:
                    journal.record(Change.RADIO, "radio", "RECEIVING")
                    written += 1
            clock.advance((alive_at_us + ALIVE_EVERY_US - clock.now_us) / 1e6)
            previous, records, _ = left_by(card, tmp_path, f"cut-{cut}")
            assert previous is not None
            assert not previous.clean
            assert 0 <= journal.uptime_ms() - previous.uptime_ms <= ALIVE_EVERY_US // 1000
            assert previous.time_quality is quality
            if quality is TimeQuality.NTP:
                assert 0 <= clock.utc_us() - previous.at_us <= ALIVE_EVERY_US
            assert [one.journal_seq for one in records] == list(range(1, written + 1))
            alive_at_us = clock.now_us
            journal.still_alive()
        journal.outbox.close()


def test_lines_that_were_synced_are_there_and_others_may_go(card: Path, tmp_path: Path) -> None:
    with mounted(card, tmp_path / "card") as folder:
        (folder / "journal").mkdir()
        log = RecentLog()
        log.keep(folder / "journal")
        os.sync()
        log(None, "error", {"event": "supply sags"})
        log.sync()
        log(None, "error", {"event": "too late"})
        _, _, lines = left_by(card, tmp_path, "cut")
        assert lines[0].startswith("error supply sags")
        log.keep(tmp_path)
