"""The files that an image brings beside its packages, as one archive with the same bytes every time."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

from firmware.image.plan import Plan, filled

FOLDER = Path(__file__).with_name("files")
FIRMWARE = "usr/lib/passerelle-firmware"
SECRET = ("usr/lib/NetworkManager/system-connections/",)
"""What NetworkManager takes only if nobody but root can read it."""
SSHD = """# A key opens it, a password never does.  The machine's own key lies with the data.
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AuthorizedKeysFile /etc/ssh/authorized_keys
HostKey /data/ssh_key
"""
SSH_UNIT = """[Unit]
RequiresMountsFor=/data
[Service]
ExecStartPre=
ExecStartPre=/bin/sh -c 'cd /data; [ -s ssh_key ] || ssh-keygen -qt ed25519 -N "" -f ssh_key'
ExecStartPre=/usr/sbin/sshd -t
"""
HOSTS = "127.0.0.1 localhost passerelle\n::1 localhost ip6-localhost ip6-loopback\n"


def contents(plan: Plan, *, microcode: Mapping[str, bytes], ssh_key: str) -> dict[str, bytes]:
    """Return path in the image → content; ``microcode`` is the concentrator's, by file name."""
    found = {"etc/hostname": b"passerelle\n", "etc/hosts": HOSTS.encode()}
    for path in sorted(FOLDER.rglob("*")):
        name = path.relative_to(FOLDER).as_posix()
        if path.is_file() and name != "grub.cfg":
            found[name] = filled(path.read_text(encoding="utf-8"), plan).encode()
    if ssh_key:
        found["etc/ssh/authorized_keys"] = ssh_key.encode()
        found["etc/ssh/sshd_config.d/passerelle.conf"] = SSHD.encode()
        found["etc/systemd/system/ssh.service.d/passerelle.conf"] = SSH_UNIT.encode()
        found["etc/nftables.d/ssh.nft"] = b"tcp dport 22 ct state new limit rate 6/minute accept\n"
    if microcode:
        unit = f"[Service]\nEnvironment=PASSERELLE_FIRMWARE_DIR=/{FIRMWARE}\n"
        found["etc/systemd/system/passerelle-agent.service.d/firmware.conf"] = unit.encode()
        found |= {f"{FIRMWARE}/{name}": content for name, content in microcode.items()}
    return found


def archive(files: Mapping[str, bytes], epoch_s: int) -> bytes:
    """Return a tar archive of the files: root's, in order, of one instant."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in sorted({parent.as_posix() for name in files for parent in Path(name).parents} - {"."}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, 0o755, epoch_s
            tar.addfile(entry)
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(content), epoch_s, _mode(name, content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _mode(name: str, content: bytes) -> int:
    if name.startswith(SECRET):
        return 0o600
    return 0o755 if content.startswith(b"#!") else 0o644


def grub_environment(values: Mapping[str, str]) -> bytes:
    """Return GRUB's environment block (GRUB manual, *The GRUB environment block*): 1,024 bytes.

    >>> grub_environment({"ORDER": "A B"})[:35]
    b'# GRUB Environment Block\\nORDER=A B\\n'
    """
    lines = ["# GRUB Environment Block", *(f"{name}={value}" for name, value in values.items())]
    return ("\n".join(lines) + "\n").encode().ljust(1_024, b"#")


FIRST_BOOT = {"ORDER": "A B", "A_OK": "1", "A_TRY": "0", "B_OK": "0", "B_TRY": "0", "kernel_args": ""}
"""Slot B is empty until the first release is installed into it."""
