"""A child process with a log of its own: started, killed as a power cut kills, started again."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

STOP_LIMIT_S = 10.0
"""A process that has not ended so long after SIGTERM gets SIGKILL."""


def passerelle(*arguments: str) -> tuple[str, ...]:
    """Return the command line of one of our own sub-commands."""
    return (sys.executable, "-m", "passerelle", *arguments)


class ChildFailed(RuntimeError):
    """A command that had to succeed did not; the message ends with its last words."""


class Child:
    """One long-running process."""

    def __init__(
        self, name: str, command: tuple[str, ...], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.command = command
        self.log = log
        self._environment = dict(os.environ) | dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self.running and self._process else None

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process; its output goes to ``log``."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """End it as a power cut does."""
        await self._signal(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end; insist after ``STOP_LIMIT_S``."""
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await self._signal(signal.SIGTERM)
        except TimeoutError:
            await self.kill()

    async def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)
            await self._process.wait()

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


async def run(command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> str:
    """Run a command to its end and return what it printed.

    Raises:
        ChildFailed: it exited with another code than 0.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=dict(os.environ) | dict(environment or {}),
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    if process.returncode:
        shown = " ".join(command[1:])
        raise ChildFailed(f"{shown}: exit {process.returncode}\n{text[-2000:]}")
    return text
