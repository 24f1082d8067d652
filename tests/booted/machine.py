"""A machine with systemd, udev and units, booted in a container on a copy of a bare Debian.

What it writes lies in memory and goes with it; a reboot keeps it.  It has a network of its own, with nothing
in it but itself, unless it shares that of another machine.
"""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

BOOT_LIMIT_S = 180.0
RUN_LIMIT_S = 480.0
STOP_LIMIT_S = 40.0
LOOK_EVERY_S = 0.1
PLAIN = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
"""The environment of somebody who logged in as root."""
UP = {"running", "degraded"}


class CommandFailedError(AssertionError):
    """A command on the machine ended with another status than 0."""


class Machine:
    """One machine; ``boot`` and ``run`` it."""

    def __init__(self, base: Path, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self._process: subprocess.Popen[bytes] | None = None
        self._leader = 0
        for name in ("memory", "root", "udev"):
            (folder / name).mkdir(parents=True)
        # In a container, systemd waits for no device unless udevd's socket is there before itself
        # (sd-device-monitor.c of systemd 252); udevd replaces this file.
        (folder / "udev" / "control").touch()
        _run("mount", "-t", "tmpfs", "-o", "mode=0755", "passerelle-test", str(folder / "memory"))
        for name in ("upper", "work"):
            (folder / "memory" / name).mkdir()
        layers = f"lowerdir={base},upperdir={folder}/memory/upper,workdir={folder}/memory/work"
        _run("mount", "-t", "overlay", "-o", layers, "passerelle-test", str(self.root))

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file, booted or not."""
        target = self.root / path.removeprefix("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)

    def inside(self, script: str) -> str:
        """Return what a script prints on the machine that is not booted: as an image is made."""
        variables = [f"{name}={value}" for name, value in PLAIN.items()]
        command = ["chroot", str(self.root), "env", "-i", *variables, "bash", "-euc", f"cd; {script}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=RUN_LIMIT_S)
        if done.returncode != 0:
            raise CommandFailedError(f"{script}\n→ {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def boot(self, *binds: Path, network_of: "Machine | None" = None) -> None:
        """Start it; return once systemd has started everything."""
        # Whoever is killed and cannot halt it: it shuts down in good order all the same.
        command = ["setpriv", "--pdeathsig=TERM", "systemd-nspawn", "--quiet", "--boot", "--register=no"]
        command += [f"--directory={self.root}"]
        command += [
            "--keep-unit",
            f"--machine=passerelle-{os.getpid()}-{self.folder.name}",
            "--console=pipe",
            "--link-journal=no",
        ]
        command += ["--resolv-conf=off", "--timezone=off", *(f"--bind={path}" for path in binds)]
        command += [f"--bind={self.folder}/udev:/run/udev"]
        # udevd tells what it found over netlink, which a shared network does not give by itself.
        command += ["--capability=CAP_NET_ADMIN"]
        if network_of is None:
            command += ["--private-network"]
        else:
            command += [f"--network-namespace-path=/proc/{network_of._leader}/ns/net"]
        # udevd runs only where it can write below /sys.
        environment = {**os.environ, "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes"}
        with (self.folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        self._leader = int(self.until("a first process", self._first_process, BOOT_LIMIT_S)[0])
        self.until("systemd up", lambda: self._state() in UP, BOOT_LIMIT_S)

    def _first_process(self) -> list[str]:
        """Return the first process of the machine, as this one numbers it.

        It has a number of its own there too (NSpid of proc(5)); the one that prepares it, and ends, has not.
        """
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "console").read_text()
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [child for child in children if _has_number_inside(Path(f"/proc/{child}/status"))]

    def _state(self) -> str:
        return self.run("systemctl is-system-running", check=False).strip()

    def run(self, script: str, *, check: bool = True, user: str = "", stdin: str = "") -> str:
        """Return what a script of the shell prints, errors too.

        Raises:
            CommandFailedError: it ended with another status than 0.
        """
        enter = [
            "nsenter",
            f"--target={self._leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
        ]
        enter += ["--root", "--wd", "env", "-i", *(f"{name}={value}" for name, value in PLAIN.items())]
        enter += ["runuser", "-u", user, "--"] if user else []
        done = subprocess.run(
            [*enter, "bash", "-euo", "pipefail", "-c", f"cd; {script}"],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )
        if check and done.returncode != 0:
            raise CommandFailedError(f"{script}\n→ {done.returncode}\n{done.stdout}")
        return done.stdout

    def until(self, what: str, look: Callable[[], Any], limit_s: float = 120.0) -> Any:
        """Return what ``look`` gives once it is true; fail when it is not within the limit."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            if found := look():
                return found
            time.sleep(LOOK_EVERY_S)
        raise AssertionError(f"{what}: not within {limit_s:.0f} s\n{self.journal()}")

    def journal(self, unit: str = "", lines: int = 60) -> str:
        """Return the newest lines of the journal."""
        which = f"--unit={unit}" if unit else "--priority=notice"
        return self.run(f"journalctl --no-pager --lines={lines} {which}", check=False) if self._leader else ""

    def carry(self, *packages: Path) -> None:
        """Put packages where root works."""
        for package in packages:
            shutil.copy(package, self.root / "root")

    def reboot(self, *binds: Path) -> None:
        """Stop it in good order and start it again."""
        self.halt()
        self.boot(*binds)

    def halt(self) -> None:
        """Stop it: in good order, else at once."""
        if self._process is None:
            return
        with suppress(CommandFailedError, subprocess.TimeoutExpired):
            self.run("systemctl --no-block poweroff", check=False)
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_LIMIT_S)
        self._process, self._leader = None, 0

    def remove(self) -> None:
        """Stop it and give back what it used."""
        self.halt()
        for name in ("root", "memory"):
            subprocess.run(["umount", "--lazy", str(self.folder / name)], check=False, capture_output=True)


def _has_number_inside(status: Path) -> bool:
    try:
        found = re.search(r"^NSpid:\s+\d+\s+1$", status.read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return False
    return found is not None


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
