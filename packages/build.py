"""`make packages`: build the Debian packages of one source tree.

    python -m packages.build [--role fleet] [--debian 12] [--arch amd64] [--output dist]

The same tree gives the same bytes: every time in a package is that of the newest commit.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from packages import scripts
from packages.closure import lock_of
from packages.environment import HOME, MACHINES, compile_below, lay_out, libraries
from packages.roles import ROLES, SHARED, Role

ROOT = Path(__file__).parents[1]
PYTHONS = {"12": "3.11", "13": "3.13"}
"""Release of Debian → its Python."""
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "benches", "peers", "assets")


def main() -> int:
    """Build what the command line asks for; print the files."""
    parser = argparse.ArgumentParser(prog="packages.build", description=__doc__)
    parser.add_argument("--role", choices=ROLES, action="append", help="all without it")
    parser.add_argument("--debian", choices=PYTHONS, default="12")
    parser.add_argument("--arch", choices=MACHINES, default="amd64")
    parser.add_argument("--output", type=Path, default=ROOT / "dist")
    parser.add_argument("--source", type=Path, default=ROOT, help="tree whose Python code is packed")
    parser.add_argument("--version", default="", help="that of the newest commit without it")
    parser.add_argument("--quick", action="store_true", help="not compressed: for tests")
    asked = parser.parse_args()
    for name in asked.role or ROLES:
        built = build(
            ROLES[name],
            source=asked.source,
            release=asked.debian,
            architecture=asked.arch,
            output=asked.output,
            version=asked.version,
            quick=asked.quick,
        )
        print(built)
    return 0


def build(
    role: Role, *, source: Path, release: str, architecture: str, output: Path, version: str, quick: bool
) -> Path:
    """Return the package of one role, built from the Python code of ``source``."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    committed_s = _committed_s(source)
    version = version or f"{project['version']}+{datetime.fromtimestamp(committed_s, UTC):%Y%m%d.%H%M%S}"
    version = f"{version}~deb{release}"
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="passerelle-package-") as temporary:
        tree = Path(temporary) / "tree"
        tree.mkdir(mode=0o755)
        lock = lock_of(role, source, project, python=PYTHONS[release], architecture=architecture)
        made = libraries(lock, python=PYTHONS[release], architecture=architecture)
        _fill_environment(tree, role, source, made, PYTHONS[release])
        _describe(tree, str(project["version"]))
        _copy_files(tree, role)
        _write_control(tree, role, version, architecture, PYTHONS[release])
        _set_times(tree, committed_s)
        target = output / f"{role.name}_{version}_{architecture}.deb"
        command = ["dpkg-deb", "--build", "--root-owner-group"]
        command += ["-Znone"] if quick else ["-Zxz"]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(committed_s)}
        subprocess.run(
            [*command, str(tree), str(target)], check=True, env=environment, stdout=subprocess.DEVNULL
        )
    return target


def _fill_environment(tree: Path, role: Role, source: Path, made: Path, python: str) -> None:
    site = lay_out(tree / HOME.relative_to("/"), python)
    subprocess.run(["cp", "-a", "--reflink=auto", f"{made}/.", str(site)], check=True)
    for module in (*SHARED, *role.modules):
        shutil.copytree(source / module, site / module, ignore=LEFT_OUT)
        compile_below(site / module, python)
    link = tree / "usr" / "bin" / "passerelle"
    link.parent.mkdir(parents=True)
    link.symlink_to(HOME / "bin" / "passerelle")


def _describe(tree: Path, version: str) -> None:
    """Write what `importlib.metadata.version` reads."""
    (site,) = (tree / HOME.relative_to("/") / "lib").glob("python*/site-packages")
    folder = site / f"passerelle-{version}.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: passerelle\nVersion: {version}\n")


def _copy_files(tree: Path, role: Role) -> None:
    for source, target in role.files:
        path = ROOT / source
        goal = tree / target
        if not Path(target).suffix or target.endswith(".d"):
            goal = goal / path.name
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, goal)
        goal.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _write_control(tree: Path, role: Role, version: str, architecture: str, python: str) -> None:
    kib = sum(path.lstat().st_size for path in tree.rglob("*")) // 1024
    folder = tree / "DEBIAN"
    folder.mkdir()
    (folder / "control").write_text(
        scripts.control(role, version=version, architecture=architecture, python=python, installed_kib=kib)
    )
    for name in ("postinst", "prerm", "postrm"):
        path = folder / name
        path.write_text(getattr(scripts, name)(role))
        path.chmod(0o755)


def _set_times(tree: Path, at_s: int) -> None:
    for path in (*tree.rglob("*"), tree):
        os.utime(path, (at_s, at_s), follow_symlinks=False)
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


def _committed_s(source: Path) -> int:
    command = ["git", "-C", str(source), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
