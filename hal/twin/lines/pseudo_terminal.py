"""A serial device that is not there: a pseudo-terminal with a twin behind it.

A host opens ``path`` with any serial library.  ``vanish`` is a pulled USB plug: the host's next read or
write fails.
"""

import contextlib
import os
import select
import threading
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

READ_CHUNK_BYTES = 4096


class PseudoTerminal:
    """Bytes from the host go to ``answer``; what that returns, and what ``say`` gets, goes to the host."""

    def __init__(self, answer: Callable[[bytes], bytes], *, link: Path | None = None) -> None:
        self._answer = answer
        self._link = link
        self._closing = threading.Event()
        self._writing = threading.Lock()
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wake, self._waker = os.pipe()
        self.path = os.ttyname(self._slave)
        self.dropped_bytes = 0
        """Bytes that were lost because nobody read and the terminal was full."""
        if link is not None:
            link.unlink(missing_ok=True)
            link.symlink_to(self.path)
        self._thread = threading.Thread(target=self._serve, name=f"pty {self.path}", daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        """Send bytes to the host unasked."""
        with self._writing:
            while data and not self._closing.is_set():
                try:
                    data = data[os.write(self._master, data) :]
                except BlockingIOError:
                    self.dropped_bytes += len(data)
                    return
                except OSError:
                    return

    def vanish(self) -> None:
        """Pull the plug."""
        if self._closing.is_set():
            return
        self._closing.set()
        os.write(self._waker, b"x")
        self._thread.join()
        with self._writing:
            for end in (self._master, self._slave, self._wake, self._waker):
                with contextlib.suppress(OSError):
                    os.close(end)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def __enter__(self) -> "PseudoTerminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.vanish()

    def _serve(self) -> None:
        while not self._closing.is_set():
            readable, _, _ = select.select([self._master, self._wake], [], [])
            if self._wake in readable:
                return
            try:
                data = os.read(self._master, READ_CHUNK_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                return
            reply = self._answer(data)
            if reply:
                self.say(reply)
