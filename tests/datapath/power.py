"""A disk that forgets: what a power cut may leave of a file whose writes were recorded by ``strace``.

What was synchronised is there.  Of what was written since, every sector of 512 bytes is there or not, each on
its own; a file that was created is there once its folder was synchronised, before that perhaps.
Source: POSIX ``fsync``, and the atomic unit of block devices.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

SECTOR_BYTES = 512
CALLS = "pwrite64,write,fsync,fdatasync,ftruncate,unlink"
_CALL = re.compile(r'^(?:\d+ +)?(\w+)\((\d+)<([^>]*)>(?:, "((?:\\x[0-9a-f]{2})*)")?(.*)\) = (\d+)')
_UNLINK = re.compile(r'^(?:\d+ +)?unlink\("([^"]*)"\) = 0')


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the process: on which file, with what."""

    name: str
    descriptor: int
    path: str
    content: bytes
    numbers: tuple[int, ...]


def recorded(arguments: list[str], trace: Path) -> list[Call]:
    """Run ``python -m …`` under strace and return its calls."""
    command = ["strace", "-y", "-xx", "-s", "70000", "-e", f"trace={CALLS}", "-o", str(trace)]
    command += [sys.executable, "-m", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    with trace.open(encoding="ascii") as lines:
        return [call for call in map(_parsed, lines) if call is not None]


def _parsed(line: str) -> Call | None:
    if gone := _UNLINK.match(line):
        return Call("unlink", -1, _text(gone[1]), b"", ())
    found = _CALL.match(line)
    if found is None:
        return None
    name, descriptor, path, content, rest, _ = found.groups()
    raw = bytes.fromhex((content or "").replace("\\x", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", rest))
    return Call(name, int(descriptor), _text(path), raw, numbers)


def _text(path: str) -> str:
    return bytes.fromhex(path.replace("\\x", "")).decode() if path.startswith("\\x") else path


@dataclass
class ForgetfulDisk:
    """Files of one folder by name."""

    folder: Path
    synced: dict[str, bytearray] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    unlinked: set[str] = field(default_factory=set)
    pending: dict[str, list[Call]] = field(default_factory=dict)

    def take(self, call: Call) -> None:
        """Take in what the process did."""
        path = Path(call.path)
        if path == self.folder:
            self._folder_synced()
        elif path.parent == self.folder and not path.name.endswith("-shm"):
            self._file(path.name, call)

    def _folder_synced(self) -> None:
        for name in self.unlinked:
            self.synced.pop(name, None)
            self.pending.pop(name, None)
        self.unlinked.clear()
        self.named = set(self.synced)

    def _file(self, name: str, call: Call) -> None:
        if call.name == "unlink":
            self.unlinked.add(name)
            return
        self.unlinked.discard(name)
        content = self.synced.setdefault(name, bytearray())
        if call.name in {"fsync", "fdatasync"}:
            for write in self.pending.pop(name, []):
                _apply(content, write, lambda: True)
        else:
            self.pending.setdefault(name, []).append(call)

    def cut(self, into: Path, random: Random) -> None:
        """Write to ``into`` what is there after the power failed at this instant."""
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        kept = random.choice((0.0, 0.5, 0.9, 1.0))
        for name, content in self.synced.items():
            doubtful = name not in self.named or name in self.unlinked
            if doubtful and random.random() < 0.5:
                continue
            left = bytearray(content)
            for write in self.pending.get(name, []):
                _apply(left, write, lambda: random.random() < kept)
            (into / name).write_bytes(left)


def _apply(content: bytearray, write: Call, there: Callable[[], bool]) -> None:
    if write.name == "ftruncate":
        if there():
            size = write.numbers[-1]
            del content[size:]
            content.extend(bytes(size - len(content)))
        return
    for at, sector in _sectors(write):
        if there():
            content.extend(bytes(max(0, at + len(sector) - len(content))))
            content[at : at + len(sector)] = sector


def _sectors(write: Call) -> Iterator[tuple[int, bytes]]:
    at, rest = write.numbers[-1], write.content
    while rest:
        size = SECTOR_BYTES - at % SECTOR_BYTES
        yield at, rest[:size]
        at, rest = at + size, rest[size:]
