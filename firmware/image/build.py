"""Carry out a plan: tools, root, slot, boot partition, image; the only file of the image that runs programs.

Everything lies in one folder beside the output until the image is whole; then it is renamed.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from firmware.errors import FirmwareRefused
from firmware.image.contents import FIRST_BOOT, FOLDER, archive, grub_environment
from firmware.image.plan import (
    FREE_MIB_NEEDED,
    LOADERS,
    MIB,
    Plan,
    filled,
    image_bytes,
    partition_script,
    partitions,
    root_command,
)

CHUNK_BYTES = 4 * MIB
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mksquashfs": "squashfs-tools",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "sfdisk": "fdisk",
}
"""Program → package of Debian that brings it."""
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SLOT_OPTIONS = ("-quiet", "-no-progress", "-comp", "gzip", "-Xcompression-level", "4")
BOOT, SLOT_A = 1, 5
"""Numbers of the partitions that the build fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """An image that is there."""

    path: Path
    sha256: str
    size_bytes: int
    slot_bytes: int
    """The root, compressed: what a release of the system sends."""


def missing_packages() -> list[str]:
    """Return the packages of Debian that a build needs and this machine has not."""
    needed = {name: package for name, package in TOOLS.items() if not shutil.which(name, path=SYSTEM_PATH)}
    if os.geteuid() != 0 and not shutil.which("newuidmap", path=SYSTEM_PATH):
        needed["newuidmap"] = "uidmap"
    return sorted(set(needed.values()))


def build(
    plan: Plan, *, files: dict[str, bytes], agent: Path, output: Path, report: Callable[[str], None]
) -> Built:
    """Build the image; ``report`` is given the name of each step.

    Raises:
        FirmwareRefused: a tool is missing, the disk is too full, the root does not fit, a step failed.
    """
    if missing := missing_packages():
        raise FirmwareRefused("image_tools", packages=" ".join(missing))
    free_mib = shutil.disk_usage(output.resolve().parent).free // MIB
    if free_mib < FREE_MIB_NEEDED:
        raise FirmwareRefused(
            "image_disk", directory=output.resolve().parent, free=free_mib, needed=FREE_MIB_NEEDED
        )
    with tempfile.TemporaryDirectory(prefix=".passerelle-image-", dir=output.resolve().parent) as temporary:
        folder = Path(temporary)
        steps = _Steps(plan, folder, report)
        steps.make_root(files, agent)
        slot = steps.make_slot()
        boot = steps.make_boot()
        partial = steps.assemble({BOOT: boot, SLOT_A: slot})
        slot_bytes = slot.stat().st_size
        digest = _sha256(partial)
        partial.replace(output)
    return Built(path=output, sha256=digest, size_bytes=output.stat().st_size, slot_bytes=slot_bytes)


class _Steps:
    """The steps of one build, in order."""

    def __init__(self, plan: Plan, folder: Path, report: Callable[[str], None]) -> None:
        self.plan, self.folder, self.report = plan, folder, report
        self.environment = {
            "PATH": SYSTEM_PATH,
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": "/root",
            "TMPDIR": str(folder),
            "SOURCE_DATE_EPOCH": str(plan.epoch_s),
            "MTOOLS_SKIP_CHECK": "1",
        }
        self.environment |= {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        # mmdebstrap's own user enters it when root builds no more than an unprivileged person.
        folder.chmod(0o755)

    def make_root(self, files: dict[str, bytes], agent: Path) -> None:
        """Put Debian, our files and the agent together: root.tar, and what the boot partition holds."""
        self.report("root")
        laid = archive(files, self.plan.epoch_s)
        (self.folder / "files.tar").write_bytes(laid)
        (self.folder / "loader").mkdir()
        self._run(
            root_command(
                self.plan,
                files=str(self.folder / "files.tar"),
                files_sha256=hashlib.sha256(laid).hexdigest(),
                agent=str(agent.resolve()),
                output=str(self.folder / "root.tar"),
                loader=str(self.folder / "loader"),
            )
        )

    def make_slot(self) -> Path:
        """Return the root as a file system that cannot be written; gzip, since GRUB reads no zstd in it."""
        self.report("slot_step")
        slot = self.folder / "slot.squashfs"
        tar = self.folder / "root.tar"
        self._run(["mksquashfs", "-", str(slot), "-tar", *SLOT_OPTIONS], source=tar)
        tar.unlink()
        return slot

    def make_boot(self) -> Path:
        """Return the boot partition: GRUB, its configuration and its environment."""
        self.report("boot")
        boot = self.folder / "boot.vfat"
        size = next(one.size_bytes for one in partitions() if one.number == BOOT)
        with boot.open("wb") as file:
            file.truncate(size)
        self._run(
            ["mkfs.vfat", "--invariant", "-F", "32", "-n", "PASSERELLE", "-i", self.plan.disk, str(boot)]
        )
        tree = self.folder / "boot"
        for source, target in LOADERS[self.plan.architecture].files:
            (tree / target).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.folder / "loader" / Path(source).name, tree / target)
        (tree / "EFI/debian").mkdir(parents=True)
        text = (FOLDER / "grub.cfg").read_text(encoding="utf-8")
        (tree / "EFI/debian/grub.cfg").write_text(filled(text, self.plan), encoding="utf-8")
        (tree / "EFI/debian/grubenv").write_bytes(grub_environment(FIRST_BOOT))
        for path in sorted(tree.rglob("*"), key=lambda path: (len(path.parts), path)):
            os.utime(path, (self.plan.epoch_s, self.plan.epoch_s))
            target = f"::{path.relative_to(tree).as_posix()}"
            copied = ["mmd", "-i", str(boot), target]
            if path.is_file():
                copied = ["mcopy", "-m", "-i", str(boot), str(path), target]
            self._run(copied)
        return boot

    def assemble(self, parts: dict[int, Path]) -> Path:
        """Return the image: a table, and each part where its partition begins."""
        self.report("image")
        image = self.folder / "image"
        with image.open("wb") as file:
            file.truncate(image_bytes())
        self._run(["sfdisk", "--quiet", "--no-reread", str(image)], text=partition_script(self.plan.disk))
        by_number = {one.number: one for one in partitions()}
        with image.open("r+b") as file:
            for number, path in parts.items():
                partition, size = by_number[number], path.stat().st_size
                if size > partition.size_bytes:
                    raise FirmwareRefused("image_slot", size=size, limit=partition.size_bytes)
                file.seek(partition.start_bytes)
                for chunk in _chunks(path):
                    # Zeros stay holes: a slot that is half empty costs nothing on the disk that builds.
                    if chunk.count(0) == len(chunk):
                        file.seek(len(chunk), os.SEEK_CUR)
                    else:
                        file.write(chunk)
        return image

    def _run(self, command: list[str], *, source: Path | None = None, text: str = "") -> None:
        """Run a program that reads a file, or a text."""
        with source.open("rb") if source else tempfile.TemporaryFile() as stdin:
            if not source:
                stdin.write(text.encode())
                stdin.seek(0)
            done = subprocess.run(
                command, stdin=stdin, env=self.environment, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["—"])[-12:]
            raise FirmwareRefused("image_step", program=command[0], detail="\n  ".join(last))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(path):
        digest.update(chunk)
    return digest.hexdigest()
