"""Where this machine keeps what users import: images, boards."""

import os
from pathlib import Path

SYSTEM = Path("/var/lib/passerelle")


def data_folder(leaf: str, variable: str) -> Path:
    """Return the folder of one kind of file: what the environment names, else root's or the user's own."""
    named = os.environ.get(variable)
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return SYSTEM / leaf
    user = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return user / "passerelle" / leaf
