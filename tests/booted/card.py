"""A card with its partitions, as the kernel of a gateway shows it: a file behind a loop device."""

import subprocess
from pathlib import Path


class Card:
    """A file as a block device; ``nodes`` are what a machine needs of /dev."""

    def __init__(self, image: Path) -> None:
        self.device = Path(_run("losetup", "--find", "--show", str(image)))
        # Updated, not added: a card that was in use as its machine ended may have left its partition here.
        try:
            _run("partx", "--update", str(self.device))
        except subprocess.CalledProcessError:
            self.eject()
            raise

    @property
    def nodes(self) -> tuple[Path, ...]:
        """The device and its partitions."""
        return self.device, *sorted(self.device.parent.glob(f"{self.device.name}p*"))

    def eject(self) -> None:
        """Take it out."""
        subprocess.run(["partx", "--delete", str(self.device)], check=False, capture_output=True)
        subprocess.run(["losetup", "--detach", str(self.device)], check=False, capture_output=True)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
