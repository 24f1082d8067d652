"""Releases of the agent for tests: signed, served by the small fleet, and run by a real launcher.

Each is this tree by a ``.pth`` file, beside a module of its own that the interpreter imports first: a good
one, one that crashes as soon as it shall serve, and one that hears nothing.
"""

import hashlib
import platform
import sysconfig
from pathlib import Path

from agent.releases.slot import PYTHON
from agent.wire.configuration import ReleaseConfig
from agent.wire.release import URL_PATH, release_path
from packages.release import build, file_name
from tests.controlpath.signed_repository import SignedRepository

ROOT = Path(__file__).parents[2]
GOOD = b""
CRASHES = b"""import os, sys
if "run" in sys.orig_argv:
    print("crashes at start", file=sys.stderr, flush=True)
    os._exit(1)
"""
HEARS_NOTHING = b"""import sys
if "run" in sys.orig_argv:
    from hal.sx1302.driver import Sx1302
    Sx1302.receive = lambda self: []
"""


class SignedReleases:
    """What a fleet serves below ``/api/v1/releases``; ``files`` is path → content."""

    def __init__(self, folder: Path, files: dict[str, bytes]) -> None:
        self.folder, self.files = folder, files
        self.repository = SignedRepository()

    def add(self, name: str, first: bytes) -> None:
        """Build, sign and publish a release whose first module is ``first``."""
        module = f"first_{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        paths = f"{ROOT}\n{sysconfig.get_path('purelib')}\n"
        parts = {
            "passerelle": {"zz.pth": f"{paths}import {module}\n".encode(), f"{module}.py": first},
        }
        release = build(name, parts, platform.machine(), PYTHON, self.folder)
        content = (self.folder / file_name(release)).read_bytes()
        path = release_path(name, platform.machine(), PYTHON)
        self.repository.add(path, content)
        target = f"{hashlib.sha256(content).hexdigest()}.{path.rpartition('/')[2]}"
        self.files[f"{URL_PATH}/targets/{target}"] = content
        for part in release.parts:
            self.files[f"{URL_PATH}/parts/{part.sha256}"] = (self.folder / "parts" / part.sha256).read_bytes()
        self.files |= {f"{URL_PATH}/metadata/{key}": data for key, data in self.repository.files.items()}

    def wanted(self, name: str, **more: int) -> ReleaseConfig:
        """Return the setting that asks for a release."""
        root = hashlib.sha256(self.repository.files["1.root.json"]).hexdigest()
        return ReleaseConfig(root_sha256=root, wanted=name, rate_kbit_per_s=100_000, **more)
