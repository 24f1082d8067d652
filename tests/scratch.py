"""A copy of the program that a test may change, and run in processes of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUN_LIMIT_S = 480
UNWANTED = shutil.ignore_patterns("node_modules", "__pycache__", "*.pyc")


class Copy:
    """Some folders of the program in ``folder``."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        for name in names:
            shutil.copytree(ROOT / name, folder / name, ignore=UNWANTED)
        shutil.copy(ROOT / "pyproject.toml", folder)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the copy; ``python`` and the programs beside it are those of this run."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PYTHONPATH": str(self.folder), "PATH": path}
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )

    def change(self, name: str, before: str, after: str) -> None:
        """Replace a text that stands in a file once or more, the first time."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert before in text, f"{name}: no {before!r}"
        path.write_text(text.replace(before, after, 1), encoding="utf-8")

    def write(self, name: str, text: str) -> None:
        """Write a file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
