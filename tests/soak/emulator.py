"""A machine in qemu that starts from a card: its serial console is all that is seen of it.

Emulated instruction by instruction, since not every builder lends KVM: waits are for what the console says.
"""

import re
import shutil
import subprocess
import time
from pathlib import Path

FIRMWARE = Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
VARIABLES = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
BOOT_OFFSET_BYTES = 1024 * 1024
"""Where the image's boot partition begins (firmware/image/plan.py)."""
LOOK_EVERY_S = 0.2
CONSOLE_LIMIT_S = 900.0
"""How long a state may take: more than a whole boot on a machine of two busy cores."""


class Emulator:
    """One machine; the card is written in place and survives it."""

    def __init__(self, card: Path, folder: Path) -> None:
        self.card = card
        self.folder = folder
        self.starts = 0
        self._process: subprocess.Popen[bytes] | None = None
        shutil.copyfile(VARIABLES, folder / "variables")

    def start(self, *more: str) -> None:
        """Give it power."""
        self.starts += 1
        self.console_path.unlink(missing_ok=True)
        command = ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-smp", "2", "-m", "768"]
        command += ["-cpu", "qemu64", "-display", "none", "-monitor", "none", "-no-reboot"]
        command += ["-drive", f"if=pflash,format=raw,readonly=on,file={FIRMWARE}"]
        command += ["-drive", f"if=pflash,format=raw,file={self.folder / 'variables'}"]
        command += ["-drive", f"if=virtio,format=raw,file={self.card}"]
        command += ["-serial", f"file:{self.console_path}", "-nic", "user,model=virtio-net-pci", *more]
        errors = (self.folder / "errors").open("ab")
        with errors:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=errors, stdout=errors)

    @property
    def console_path(self) -> Path:
        """The file that takes what this start says."""
        return self.folder / f"console-{self.starts}"

    def console(self) -> str:
        """Return what the machine has said since it was started."""
        return self.console_path.read_text(errors="replace") if self.console_path.exists() else ""

    def until(self, pattern: str, limit_s: float = CONSOLE_LIMIT_S) -> re.Match[str]:
        """Return where the console matches; fail when the machine ends or says nothing of it in time."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            ended = self._process is None or self._process.poll() is not None
            if found := re.search(pattern, self.console()):
                return found
            if ended:
                raise AssertionError(f"{pattern}: the machine ended\n{self._last_lines()}")
            time.sleep(LOOK_EVERY_S)
        raise AssertionError(f"{pattern}: not within {limit_s:.0f} s\n{self._last_lines()}")

    def cut(self) -> None:
        """Take the power away."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _last_lines(self) -> str:
        errors = (self.folder / "errors").read_text()
        return "\n".join([*self.console().splitlines()[-60:], errors])


def set_loader(card: Path, **values: str) -> None:
    """Change GRUB's environment on a card that nobody uses, as `grub-editenv` does on the gateway."""
    environment = card.with_suffix(".grubenv")
    inside = f"{card}@@{BOOT_OFFSET_BYTES}"
    name = "::EFI/debian/grubenv"
    subprocess.run(["mcopy", "-n", "-i", inside, name, str(environment)], check=True)
    pairs = [f"{key}={value}" for key, value in values.items()]
    subprocess.run(["grub-editenv", str(environment), "set", *pairs], check=True)
    subprocess.run(["mcopy", "-o", "-i", inside, str(environment), name], check=True)
