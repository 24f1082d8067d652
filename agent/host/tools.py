"""What a small program of the machine prints; one that is missing, fails or hangs prints nothing."""

import shutil
import subprocess

TOOL_WAIT_S = 5.0


def output(program: str, *arguments: str) -> str:
    """Return the standard output of a tool that ended well within ``TOOL_WAIT_S``, else nothing."""
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, check=False, timeout=TOOL_WAIT_S
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
