"""One systemd unit of ours, as the tests of each read it and as systemd itself judges it."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="apt-get install systemd: NO UNIT IS CHECKED"
)


@dataclass(frozen=True, slots=True)
class SystemdUnit:
    """A service by its file."""

    path: Path

    def setting(self, name: str) -> list[str]:
        """Return every value of a setting."""
        return re.findall(rf"^{name}=(.*)$", self.path.read_text(), re.MULTILINE)

    def complaints(self, folder: Path) -> str:
        """Return what `systemd-analyze verify` says of it with a program that exists."""
        copy = folder / self.path.name
        copy.write_text(self.path.read_text().replace("/opt/passerelle/bin/passerelle", sys.executable))
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True, check=False
        )
        return done.stderr or (f"exit {done.returncode}" if done.returncode else "")

    def exposure(self) -> float:
        """Return the level of `systemd-analyze security`, 0 (sandboxed) to 10 (exposed)."""
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=yes", "--no-pager", self.path],
            capture_output=True,
            text=True,
            check=True,
        )
        (level,) = re.findall(r"exposure level for .*: ([0-9.]+)", done.stdout)
        return float(level)
