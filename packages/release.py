"""A release of the agent for gateways that are up already: `python -m packages.release NAME`.

    [--arch arm64] [--debian 12] [--source TREE] [--output dist/releases]

The libraries of the lock, one part each, and our own code: `OUTPUT/parts/SHA256`; the file that names them,
`OUTPUT/NAME-ARCH-PYTHON.json`, which `passerelle fleet trust add` puts into the list of releases.  The same
input gives the same bytes: files in order, no times, no owners, no bytecode.
"""

import argparse
import hashlib
import io
import lzma
import sys
import tarfile
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from agent.wire.release import Part, Release, encode_release
from packages.build import LEFT_OUT, PYTHONS, ROOT
from packages.closure import lock_of
from packages.environment import MACHINES, libraries
from packages.roles import AGENT, SHARED

OURS = "passerelle"
WITHOUT = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""What an installation writes of itself."""
UNUSED = ("securesystemslib/_vendor/ed25519/test_data/", "bin/")
PRESET = 6
"""The level of xz; its dictionary of 8 MiB is what a gateway needs of memory to unpack."""
Files = Mapping[str, bytes]
"""Path below site-packages → content."""


def main() -> int:
    """Build what the command line asks for; print the files and their bytes."""
    parser = argparse.ArgumentParser(prog="packages.release", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--debian", choices=PYTHONS, default="12")
    parser.add_argument("--arch", choices=MACHINES, default="amd64")
    parser.add_argument("--source", type=Path, default=ROOT, help="tree whose Python code is packed")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "releases")
    asked = parser.parse_args()
    project = tomllib.loads((asked.source / "pyproject.toml").read_text())["project"]
    lock = lock_of(AGENT, asked.source, project, python=PYTHONS[asked.debian], architecture=asked.arch)
    made = libraries(lock, python=PYTHONS[asked.debian], architecture=asked.arch)
    parts = {**library_files(made), OURS: our_files(asked.source, str(project["version"]))}
    release = build(asked.name, parts, MACHINES[asked.arch], PYTHONS[asked.debian], asked.output)
    for part in release.parts:
        print(f"{part.packed_bytes:>10} {part.name}")
    print(f"{release.packed_bytes:>10} {asked.output / file_name(release)}")
    return 0


def build(name: str, parts: Mapping[str, Files], architecture: str, python: str, output: Path) -> Release:
    """Write the parts and the file that names them; return what it says."""
    (output / "parts").mkdir(parents=True, exist_ok=True)
    listed = []
    for part, files in sorted(parts.items()):
        packed = pack(files)
        sha256 = hashlib.sha256(packed).hexdigest()
        (output / "parts" / sha256).write_bytes(packed)
        unpacked_bytes = sum(map(len, files.values()))
        listed.append(
            Part(
                name=part,
                sha256=sha256,
                packed_bytes=len(packed),
                unpacked_bytes=unpacked_bytes,
                files=len(files),
            )
        )
    release = Release(name=name, architecture=architecture, python=python, parts=tuple(listed))
    (output / file_name(release)).write_bytes(encode_release(release))
    return release


def file_name(release: Release) -> str:
    """Return the name of the file that describes a release."""
    return f"{release.name}-{release.architecture}-{release.python}.json"


def pack(files: Files) -> bytes:
    """Return an archive that depends on paths and contents alone."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return lzma.compress(buffer.getvalue(), preset=PRESET)


def library_files(site: Path) -> dict[str, Files]:
    """Return by distribution which files it brought, as its RECORD says."""
    found: dict[str, Files] = {}
    for record in sorted(site.glob("*.dist-info/RECORD")):
        name = record.parent.name.partition("-")[0].lower().replace("_", "-")
        paths = [line.split(",")[0] for line in record.read_text("utf-8").splitlines()]
        found[name] = {path: (site / path).read_bytes() for path in paths if _is_kept(path)}
    return found


def our_files(source: Path, version: str) -> Files:
    """Return our own code, as the package of a gateway has it."""
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in _our_paths(source)}
    metadata = f"Metadata-Version: 2.1\nName: {OURS}\nVersion: {version}\n"
    return {**files, f"{OURS}-{version}.dist-info/METADATA": metadata.encode()}


def _our_paths(source: Path) -> Iterator[Path]:
    for module in SHARED:
        waiting = [source / module]
        while waiting:
            folder = waiting.pop()
            names = [path.name for path in folder.iterdir()]
            for path in (folder / name for name in sorted(set(names) - LEFT_OUT(str(folder), names))):
                if path.is_dir():
                    waiting.append(path)
                else:
                    yield path


def _is_kept(path: str) -> bool:
    if path.endswith(".pyc") or path.startswith(("../", *UNUSED)):
        return False
    return not (".dist-info/" in path and path.rpartition("/")[2] in WITHOUT)


if __name__ == "__main__":
    sys.exit(main())
