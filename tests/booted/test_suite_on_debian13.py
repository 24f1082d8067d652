"""The whole suite on Debian 13's own Python 3.13: a clone of this tree, set up and run in a chroot of it.

Machines that boot are left out: their containers want a host.  What the chroot lacks of the network it takes
from this machine: resolver, authorities, and what the environment says to pip and npm.
PASSERELLE_DEBIAN13_TESTS narrows the run, for whoever looks for the cause of a failure.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from packages.build import ROOT
from tests.booted.base import base_folder

pytestmark = [pytest.mark.soak]
PACKAGES = (
    *("ca-certificates", "git", "make", "python3", "python3-venv", "procps", "iproute2", "dbus", "kmod"),
    *("mosquitto", "libpango-1.0-0", "libpangoft2-1.0-0", "fonts-dejavu-core", "chromium", "gammu-smsd"),
    *("e2fsprogs", "strace", "systemd", "systemd-container", "mmdebstrap", "fdisk", "openssl", "faketime"),
    *("nginx", "caddy", "udev"),
)
"""What scripts/setup-system would install, so that the run itself installs nothing."""
PASSED_ON = ("PIP_", "NPM_", "NODE_", "SSL_", "CURL_", "REQUESTS_", "HTTP", "http", "NO_PROXY", "no_proxy")
SET_UP = "make setup system web PYTHON=python3"
RUN = ".venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder"
ALL = "--ignore tests/soak --ignore tests/booted tests"
RUN_LIMIT_S = 3 * 3600.0


@pytest.fixture
def chroot(tmp_path: Path) -> Iterator[Path]:
    """A Debian 13 that may be written into, with a clone of this tree's newest commit in /work/passerelle."""
    root, upper, work = (tmp_path / name for name in ("root", "upper", "work"))
    for folder in (root, upper, work):
        folder.mkdir()
    layers = f"lowerdir={base_folder(PACKAGES, '13')},upperdir={upper},workdir={work}"
    subprocess.run(["mount", "-t", "overlay", "-o", layers, "passerelle-test", root], check=True)
    try:
        for path in ("etc/resolv.conf", "etc/hosts"):
            shutil.copy(f"/{path}", root / path)
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
        clone = ("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(root / "work" / "passerelle"))
        subprocess.run(clone, check=True)
        yield root
    finally:
        subprocess.run(["umount", "--lazy", root], check=True)


def test_the_whole_suite_on_python_3_13(chroot: Path) -> None:
    done = _run_inside(chroot, f"{SET_UP}; {RUN} {os.environ.get('PASSERELLE_DEBIAN13_TESTS', ALL)}")
    assert done.returncode == 0, done.stdout[-20_000:]
    assert " passed" in done.stdout.splitlines()[-1], done.stdout[-2_000:]
    assert _run_inside(chroot, ".venv/bin/python --version").stdout.startswith("Python 3.13.")


def _run_inside(root: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process namespace of its own: what it leaves behind ends with it."""
    given = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
    given |= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    mounts = "mount --rbind /dev $0/dev; mount --rbind /sys $0/sys; mount -t proc proc $0/proc"
    enter = f'{mounts}; exec chroot "$0" sh -euc "cd /work/passerelle; $1"'
    command = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-euc",
        enter,
        str(root),
        script,
    ]
    return subprocess.run(
        command,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=RUN_LIMIT_S,
    )
