"""Documents and parts from the fleet over HTTPS: bounded, resumable, no faster than allowed.

A part goes on at the byte where the last try ended; every byte that arrives counts against the budget of the
month, on disk, so that a line that breaks for ever costs no more than that.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.clock import SystemClock, pause
from agent.durable import write_durably
from agent.enrol.http import opened
from agent.failures import reason_of
from agent.wire import reasons
from agent.wire.release import URL_PATH, Part

if TYPE_CHECKING:
    from http.client import HTTPResponse

CHUNK_BYTES = 16 * 1024
NOT_FOUND, WHOLE, REST = 404, 200, 206


class FetchFailed(reasons.ReasonedError, OSError):
    """The line, the server, or the budget; another try goes on where this one ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the fleet is, and how it is drawn from."""

    base: str
    ca_pem: str
    rate_kbit_per_s: int
    spend: Callable[[int], None]
    """Counts bytes that arrived; raises FetchFailed when the budget is used up."""
    monotonic_us: Callable[[], int] = SystemClock().monotonic_us
    pause: Callable[[float], None] = pause
    """Waits so many seconds."""

    def document(self, name: str, limit_bytes: int) -> bytes | None:
        """Return a document of the trust, one byte more than its limit at most; None: there is none."""
        return self._small(f"metadata/{name}", limit_bytes)

    def target(self, name: str, limit_bytes: int) -> bytes | None:
        """Return a file that the signed list names."""
        return self._small(f"targets/{name}", limit_bytes)

    def part(self, part: Part, into: Path) -> None:
        """Bring a part into a file, from where the file ends on."""
        have = into.stat().st_size if into.exists() else 0
        if have >= part.packed_bytes:
            return

        def keep(answer: "HTTPResponse") -> None:
            if answer.status not in (WHOLE, REST):
                raise FetchFailed(reasons.release.not_served(name=part.name, http_status=answer.status))
            with into.open("ab" if answer.status == REST else "wb") as file:
                self._paced(answer, file.write, part.packed_bytes - (have if answer.status == REST else 0))

        self._get(f"parts/{part.sha256}", {"Range": f"bytes={have}-"} if have else {}, keep)

    def _small(self, path: str, limit_bytes: int) -> bytes | None:
        found: list[bytes] = []

        def keep(answer: "HTTPResponse") -> None:
            if answer.status not in (WHOLE, NOT_FOUND):
                raise FetchFailed(reasons.release.not_served(name=path, http_status=answer.status))
            if answer.status == WHOLE:
                self._paced(answer, found.append, limit_bytes + 1)
                found.append(b"")

        self._get(path, {}, keep)
        return b"".join(found) if found else None

    def _get(self, path: str, headers: dict[str, str], keep: Callable[["HTTPResponse"], None]) -> None:
        try:
            with opened(self.base, self.ca_pem) as (connection, prefix):
                connection.request("GET", f"{prefix}{URL_PATH}/{path}", headers=headers)
                keep(connection.getresponse())
        except FetchFailed:
            raise
        except OSError as error:
            raise FetchFailed(reasons.release.line_broke(cause=reason_of(error))) from error

    def _paced(self, answer: "HTTPResponse", keep: Callable[[bytes], object], most_bytes: int) -> None:
        """Read at most so many bytes, no faster than the rate over the whole of it."""
        began_us, read = self.monotonic_us(), 0
        while read < most_bytes and (chunk := answer.read1(min(CHUNK_BYTES, most_bytes - read))):
            read += len(chunk)
            keep(chunk)
            self.spend(len(chunk))
            early_s = due_s(read, self.rate_kbit_per_s) - (self.monotonic_us() - began_us) / 1_000_000
            if early_s > 0:
                self.pause(early_s)


def due_s(read_bytes: int, rate_kbit_per_s: int) -> float:
    """Return the earliest time, in seconds, at which so many bytes may have arrived.

    >>> due_s(32_000, 256)
    1.0
    """
    return read_bytes * 8 / (rate_kbit_per_s * 1000)


class Budget:
    """What fetching releases has cost in a month, in bytes, on disk; another month begins at nothing."""

    def __init__(self, path: Path, month: str, budget_bytes: int) -> None:
        self._path, self._month, self._budget_bytes = path, month, budget_bytes
        self._unsaved = 0
        try:
            held, _, count = path.read_text("utf-8").partition(" ")
            self.spent_bytes = int(count) if held == month else 0
        except (OSError, ValueError):
            self.spent_bytes = 0

    def check(self) -> None:
        """Return if something is left.

        Raises:
            FetchFailed: nothing is.
        """
        if self.spent_bytes > self._budget_bytes:
            why = reasons.release.budget_used_up(month=self._month, budget_bytes=self._budget_bytes)
            raise FetchFailed(why)

    def spend(self, count: int) -> None:
        """Count bytes; on disk every megabyte."""
        self.spent_bytes += count
        self._unsaved += count
        if self._unsaved >= SAVE_EVERY_BYTES:
            self.save()
        self.check()

    def save(self) -> None:
        """Write the count down."""
        self._unsaved = 0
        write_durably(self._path, f"{self._month} {self.spent_bytes}".encode())


SAVE_EVERY_BYTES = 1_000_000
"""A power cut forgets as much of what was spent at most."""
