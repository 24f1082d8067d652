"""One slot filled: parts unpacked into a virtual environment, compiled, begun once, all of it on the card.

A part's hash comes first, then file by file, never outside, never more than said.

Sources: POSIX ustar; ``tarfile`` of Python reads it.  fsync(2): an error of writing back is told to who calls
it, which sync(2) does not do.
"""

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

from agent.wire import reasons
from agent.wire.release import Part, Release

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
COPY_BYTES = 256 * 1024
RECORD_BYTES = tarfile.RECORDSIZE
"""What an archive is padded to at most, after its last block."""
COMPILE_WAIT_S = 900
BEGIN_WAIT_S = 120
"""For the program to be loaded once, without serving."""
BEGIN = "import agent.run, agent.gateway_radio, passerelle.__main__"


class PartUnfit(reasons.ReasonedError, ValueError):
    """An archive that is not what the release describes."""


def fill(home: Path, release: Release, parts: list[Path]) -> None:
    """Make the virtual environment of a release, begin it once, and wait until the card has it.

    Raises:
        PartUnfit: an archive, or a program that does not begin here.
        OSError: the card.
    """
    shutil.rmtree(home, ignore_errors=True)
    site = home / "lib" / f"python{PYTHON}" / "site-packages"
    site.mkdir(parents=True)
    (home / "bin").mkdir()
    interpreter = Path(sys.executable).resolve()
    python = home / "bin" / "python3"
    python.symlink_to(interpreter)
    (home / "pyvenv.cfg").write_text(
        f"home = {interpreter.parent}\ninclude-system-site-packages = false\nversion = {PYTHON}\n"
    )
    for part, path in zip(release.parts, parts, strict=True):
        unpack(part, path, site)
    (site / "zzz_base.pth").write_text("".join(f"{each}\n" for each in base_libraries(home.parent)))
    _run([str(python), "-I", "-m", "compileall", "-q", str(site)], release.name, COMPILE_WAIT_S)
    _run([str(python), "-I", "-c", BEGIN], release.name, BEGIN_WAIT_S)
    sync_tree(home)


def base_libraries(releases: Path) -> list[str]:
    """Return where the base's libraries are.

    What a release does not bring, such as a driver that only Debian has, is found there, behind its own.
    """
    folders = (each for each in sys.path if each.endswith(("site-packages", "dist-packages")))
    return [each for each in folders if not Path(each).is_relative_to(releases)]


def sync_tree(home: Path) -> None:
    """Wait until every file and name below ``home`` is on the card.

    Raises:
        OSError: the card did not take one.
    """
    os.sync()  # all at once; what follows finds little left, and hears of errors
    for folder, _, names in os.walk(home, topdown=False):
        for name in [*names, "."]:
            path = Path(folder, name)
            if not path.is_symlink():
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)


def check_part(part: Part, archive: Path) -> None:
    """Return if the file is the one that the release names.

    Raises:
        PartUnfit: another length or hash.
    """
    with archive.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 != part.sha256:
        raise PartUnfit(reasons.release.part_unfit(name=part.name, detail="sha256"))


def unpack(part: Part, archive: Path, site: Path) -> None:
    """Write the files of a part below ``site``.

    Raises:
        PartUnfit: not the archive, or one that holds other than it says.
        OSError: the card.
    """
    check_part(part, archive)
    try:
        with lzma.open(archive) as packed:
            count, size_bytes = _unpacked(part, packed, site)
            whole = len(packed.read(RECORD_BYTES + 1)) <= RECORD_BYTES
    except (tarfile.TarError, lzma.LZMAError, EOFError, FileExistsError) as error:
        raise PartUnfit(reasons.release.part_unfit(name=part.name, detail=str(error))) from error
    if not whole or (count, size_bytes) != (part.files, part.unpacked_bytes):
        raise PartUnfit(reasons.release.part_unfit(name=part.name, detail=f"{count}, {size_bytes}"))


def _unpacked(part: Part, packed: IO[bytes], site: Path) -> tuple[int, int]:
    """Return how many files of how many bytes were written."""
    count = size_bytes = 0
    with tarfile.open(fileobj=packed, mode="r|") as entries:
        for entry in entries:
            count, size_bytes = count + 1, size_bytes + entry.size
            _check(part, entry, count, size_bytes)
            target = site / entry.name
            target.parent.mkdir(parents=True, exist_ok=True)
            source = entries.extractfile(entry)
            assert source is not None
            with target.open("xb") as file:
                shutil.copyfileobj(source, file, COPY_BYTES)
    return count, size_bytes


def _check(part: Part, entry: tarfile.TarInfo, count: int, size_bytes: int) -> None:
    path = PurePosixPath(entry.name)
    fits = entry.isreg() and not path.is_absolute() and ".." not in path.parts
    if not fits or count > part.files or size_bytes > part.unpacked_bytes:
        raise PartUnfit(reasons.release.part_unfit(name=part.name, detail=entry.name))


def _run(command: list[str], name: str, wait_s: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=wait_s)
    except subprocess.TimeoutExpired as error:
        raise PartUnfit(reasons.release.does_not_begin(name=name, detail=f"{wait_s} s")) from error
    if done.returncode:
        detail = (done.stderr.strip().splitlines() or [str(done.returncode)])[-1]
        raise PartUnfit(reasons.release.does_not_begin(name=name, detail=detail))
