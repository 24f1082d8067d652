"""Runs work in a process of its own and reads its result, for as long as a limit."""

import json
import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


def apart(work: Callable[[], object]) -> tuple[int, int]:
    """Start work in a process of its own; returns its id and where its result comes out, as JSON."""
    out, into = os.pipe()
    process = os.fork()
    if process:
        os.close(into)
        return process, out
    os.setsid()
    nothing = os.open(os.environ.get("MUTATION_LOG", os.devnull), os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    try:
        os.write(into, json.dumps(work()).encode())
    finally:
        os._exit(0)


def result_of(process: int, out: int, limit_s: float) -> Any:
    """Return what a process wrote, or None when it ended or was ended without."""
    written, until = b"", time.monotonic() + limit_s
    while (left := until - time.monotonic()) > 0 and select.select([out], [], [], left)[0]:
        part = os.read(out, 1 << 20)
        if not part:
            break
        written += part
    os.close(out)
    with suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return json.loads(written) if written else None
