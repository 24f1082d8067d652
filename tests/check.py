"""`make check`: format, lint, strict types, import contracts, codes of reasons, house rules."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent
CHECKS = (
    ("format", (f"{BIN}/ruff", "format", "--check", "--quiet", ".")),
    ("lint", (f"{BIN}/ruff", "check", "--quiet", ".")),
    ("types", (f"{BIN}/mypy",)),
    ("imports", (f"{BIN}/lint-imports",)),
    ("codes", (sys.executable, "-m", "tests.codes")),
    ("tidy", (sys.executable, "-m", "pytest", "-q", "tests/test_tidy.py")),
)


def _run(command: tuple[str, ...]) -> tuple[int, str, float]:
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr, time.monotonic() - began


def main() -> int:
    """Run every check, print what failed, return 1 if any did."""
    with ThreadPoolExecutor(len(CHECKS)) as pool:
        results = list(pool.map(_run, [command for _, command in CHECKS]))
    for (name, _), (code, output, seconds) in zip(CHECKS, results, strict=True):
        print(f"{name:<8} {'ok' if code == 0 else 'FAILED'}  {seconds:.1f} s")
        if code != 0:
            print(output)
    return 1 if any(code for code, _, _ in results) else 0


if __name__ == "__main__":
    sys.exit(main())
