"""A C library that leads spidev and i2c-dev calls to a virtual chip; ``twin_preload.c`` says how."""

import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

from hal.errors import OurMistake

COMPILE_LIMIT_S = 60


def compiled(folder: Path) -> Path:
    """Return the library, compiled into ``folder``.

    Raises:
        OurMistake: no C compiler, or it fails.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise OurMistake("no C compiler (cc), which the twin's preload library needs", where="preload")
    built = folder / "twin_preload.so"
    with as_file(files("hal.twin.preload").joinpath("twin_preload.c")) as source:
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(source), "-ldl", "-lpthread"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMPILE_LIMIT_S)
    if done.returncode:
        raise OurMistake(f"the preload library does not compile: {done.stderr[-200:]}", where="preload")
    return built
