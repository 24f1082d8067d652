"""The bare Debian that booted machines begin with: made once from Debian's packages, kept in a cache."""

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packages.environment import cache_folder

RELEASES = {"12": "bookworm", "13": "trixie"}
BOOT = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "udev",
    "libpam-systemd",
    "init-system-helpers",
    "python3",
    "ca-certificates",
)
"""What every Debian has that a person installed, and Python."""
GATEWAY = (*BOOT, "polkitd", "iproute2")
SERVER = (
    *BOOT,
    *("mosquitto", "postgresql", "nginx", "caddy", "openssl", "curl", "postfix", "gammu-smsd"),
    *("libpango-1.0-0", "libpangoft2-1.0-0", "fonts-dejavu-core", "iproute2", "faketime"),
)
"""What docs/exploitation.md has the administrator install; taken here so that no test needs a network."""
LATER = 'chroot "$1" systemctl disable --quiet gammu-smsd caddy'
"""Without a modem, gammu-smsd holds up the boot; Caddy would take nginx's ports.  Tests start them."""
BUILD_LIMIT_S = 900


def base_folder(packages: tuple[str, ...], release: str = "12") -> Path:
    """Return the folder of a Debian that nobody writes into; the first call takes a minute."""
    key = hashlib.sha256(" ".join((*packages, LATER)).encode()).hexdigest()[:12]
    kept = cache_folder() / f"debian-{release}-{key}"
    with _alone(kept.with_name(f"{kept.name}.lock")):
        if kept.is_dir():
            return kept
        partial = kept.with_name(f"{kept.name}.partial")
        shutil.rmtree(partial, ignore_errors=True)
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(packages)}"]
        # Nothing is lost when a machine of a test loses its power: dpkg need not wait for the disk.
        command += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Sandbox::User "root"', "--format=directory"]
        command += [f"--customize-hook={LATER}"] if "gammu-smsd" in packages else []
        subprocess.run([*command, RELEASES[release], str(partial)], check=True, timeout=BUILD_LIMIT_S)
        partial.rename(kept)
    return kept


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    print(base_folder(GATEWAY), base_folder(SERVER))
