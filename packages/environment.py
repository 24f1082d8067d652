"""A virtual environment for another machine: made from wheels of the lock, without running its Python.

What pip put together for one lock, Python and architecture is kept below the cache folder and taken again.

Sources: PEP 405 (pyvenv.cfg), PEP 425 and 600 (tags), pip install ``--platform``.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path("/opt/passerelle")
"""Where the environment lies on the machine."""
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBCS = (36, 35, 34, 33, 32, 31, 28, 27, 26, 24, 17, 12, 5)
"""Minor versions of manylinux_2_x that a glibc of Debian 12 (2.36) satisfies."""
ONLY_SOURCES = ("ratelimit", "sdnotify")
"""Pure Python that its authors publish only as a source archive."""


def cache_folder() -> Path:
    """Return where what takes long to make is kept between builds."""
    named = os.environ.get("PASSERELLE_BUILD_CACHE")
    system = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(named) if named else system / "passerelle-build"


def libraries(lock: str, *, python: str, architecture: str) -> Path:
    """Return a folder with everything that the lines of a lock name, compiled if this Python can."""
    key = hashlib.sha256("\n".join((lock, python, architecture)).encode()).hexdigest()[:16]
    kept = cache_folder() / f"libraries-{python}-{architecture}-{key}"
    if kept.is_dir():
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    partial = kept.with_name(f"{kept.name}.{os.getpid()}")
    requirements = partial.with_name(f"{partial.name}.lock")
    requirements.write_text(lock + "\n")
    tags = [f"manylinux_2_{minor}_{MACHINES[architecture]}" for minor in GLIBCS]
    tags += [f"manylinux2014_{MACHINES[architecture]}", f"manylinux1_{MACHINES[architecture]}", "any"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--no-compile", "--no-build-isolation"]
    command += ["--only-binary=:all:", *(f"--no-binary={name}" for name in ONLY_SOURCES)]
    command += ["--implementation=cp", f"--python-version={python}"]
    command += [f"--abi={abi}" for abi in (f"cp{python.replace('.', '')}", "abi3", "none")]
    command += [f"--platform={tag}" for tag in tags]
    subprocess.run([*command, f"--target={partial}", f"--requirement={requirements}"], check=True)
    requirements.unlink()
    shutil.rmtree(partial / "bin", ignore_errors=True)
    compile_below(partial, python)
    try:
        partial.rename(kept)
    except OSError:  # another build was faster
        shutil.rmtree(partial)
    return kept


def compile_below(folder: Path, python: str) -> None:
    """Compile for ``python`` if it is the one that runs here; else the machine compiles at installation."""
    if python == ".".join(map(str, sys.version_info[:2])):
        inside = HOME / "lib" / f"python{python}" / "site-packages"
        command = [sys.executable, "-m", "compileall", "-q", "-j2", "-s", str(folder), "-p", str(inside)]
        subprocess.run([*command, "--invalidation-mode=unchecked-hash", str(folder)], check=False)


def lay_out(home: Path, python: str) -> Path:
    """Make an empty virtual environment for /usr/bin/pythonX.Y at ``home``; return its library folder."""
    site = home / "lib" / f"python{python}" / "site-packages"
    site.mkdir(parents=True)
    (home / "bin").mkdir()
    (home / "bin" / "python3").symlink_to(f"/usr/bin/python{python}")
    (home / "bin" / "python").symlink_to("python3")
    (home / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {python}\n"
    )
    command = home / "bin" / "passerelle"
    command.write_text(
        f"#!{HOME}/bin/python3 -I\nimport sys\n\nfrom passerelle.__main__ import main\n\nsys.exit(main())\n"
    )
    command.chmod(0o755)
    return site
