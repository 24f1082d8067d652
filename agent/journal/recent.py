"""The newest log lines: in memory for ``log_excerpt``, and on disk so that the last ones survive a crash.

Two files are written in turn, each up to ``FILE_LIMIT_BYTES``; the one that is full makes the other begin
anew.  Lines reach the medium once a second at most (``sync``): a process that dies loses none, a power cut
takes the last second.
"""

import os
import threading
from collections import deque
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

LINES_LIMIT = 500
LINE_CHARACTERS = 400
FILE_LIMIT_BYTES = 64 * 1024
FILES = ("lines.0", "lines.1")
NUMBER_WIDTH = 12


class RecentLog:
    """A structlog processor that remembers what passes."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LINES_LIMIT)
        self._lock = threading.Lock()
        self._folder: Path | None = None
        self._descriptor = -1
        self._file_index = self._size = self._number = 0
        self._dirty = False
        self.before: list[str] = []
        """The last lines of the run before, oldest first."""
        self.refused = 0
        """Lines that the disk refused; they are in memory only."""

    def __call__(self, _: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        fields = " ".join(f"{key}={value}" for key, value in event.items() if key != "event")
        line = f"{method} {event.get('event', '')} {fields}"[:LINE_CHARACTERS]
        with self._lock:
            self._lines.append(line)
            self._put(line)
        return event

    def newest(self, count: int) -> list[str]:
        """Return up to ``count`` lines, oldest first."""
        return list(self._lines)[-count:]

    @property
    def waiting(self) -> bool:
        """Whether lines were written that a power cut would still take."""
        return self._dirty

    def keep(self, folder: Path) -> None:
        """Keep lines in ``folder`` from here on; what the run before left is in ``before``."""
        with self._lock:
            self._folder = folder
            numbered = read_lines(folder)
            self.before = [line for _, line in numbered][-LINES_LIMIT:]
            self._number = numbered[-1][0] if numbered else 0
            self._file_index = _newest_file(folder)
            self._open(truncate=False)

    def sync(self) -> None:
        """Put down what was written since the last time; never raises for a disk that refuses."""
        with self._lock:
            if not self._dirty or self._descriptor < 0:
                return
            self._dirty = False
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                self.refused += 1

    def _put(self, line: str) -> None:
        if self._folder is None:
            return
        if self._descriptor < 0 or self._size >= FILE_LIMIT_BYTES:
            self._file_index = 1 - self._file_index
            self._open(truncate=True)
        self._number += 1
        content = f"{self._number:0{NUMBER_WIDTH}d} {line}".replace("\n", " ").encode() + b"\n"
        try:
            self._size += os.write(self._descriptor, content)
            self._dirty = True
        except OSError:
            self.refused += 1

    def _open(self, *, truncate: bool) -> None:
        assert self._folder is not None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if truncate else 0)
        try:
            self._descriptor = os.open(self._folder / FILES[self._file_index], flags, 0o600)
            self._size = os.fstat(self._descriptor).st_size
        except OSError:
            self.refused += 1


def read_lines(folder: Path) -> list[tuple[int, str]]:
    """Return what is on disk as (number, line), in order; a torn last line is left out."""
    found: list[tuple[int, str]] = []
    for name in FILES:
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        for line in content.split(b"\n")[:-1]:
            number, _, text = line.partition(b" ")
            if len(number) == NUMBER_WIDTH and number.isdigit():
                found.append((int(number), text.decode("utf-8", "replace")))
    return sorted(found)


def _newest_file(folder: Path) -> int:
    def last(name: str) -> int:
        try:
            lines = (folder / name).read_bytes().split(b"\n")[:-1]
        except OSError:
            return -1
        numbers = [int(line[:NUMBER_WIDTH]) for line in lines if line[:NUMBER_WIDTH].isdigit()]
        return max(numbers, default=-1)

    return max(range(len(FILES)), key=lambda index: last(FILES[index]))


RECENT = RecentLog()
"""This process writes its log lines here."""
