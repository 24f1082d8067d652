"""Golden files: recordings and vectors beside the tests, the large ones compressed; a missing one raises."""

import gzip
from pathlib import Path

GOLDEN = Path(__file__).parent
TRANSCRIPTS = ("eu868_corecell", "eu868_rak2287", "eu868_sx1261_lbt_scan", "eu868_sx1303_ftime")
"""Configurations whose bus traffic was recorded from the reference."""


def golden_text(name: str) -> str:
    """Return the text of a golden file, whose ``.gz`` is left out of ``name``.

    Raises:
        FileNotFoundError: this checkout is not whole.
    """
    packed = GOLDEN / f"{name}.gz"
    content = gzip.decompress(packed.read_bytes()) if packed.exists() else (GOLDEN / name).read_bytes()
    return content.decode()


def unpacked(name: str, folder: Path) -> Path:
    """Write a golden file as text into ``folder`` and return where it is."""
    path = folder / Path(name).name
    path.write_text(golden_text(name), encoding="utf-8")
    return path
