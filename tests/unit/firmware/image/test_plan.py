"""The plan of an image: partitions that do not overlap, files that agree with them, the command."""

import io
import subprocess
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

from agent.wire.partition import PARTITION_BYTES, PARTITION_TYPE, entries, settings_entry
from firmware.image.contents import FIRST_BOOT, FOLDER, archive, contents, grub_environment
from firmware.image.plan import (
    FREE_MIB_NEEDED,
    MACHINES,
    MIB,
    Architecture,
    Plan,
    filled,
    image_bytes,
    make_plan,
    partition_script,
    partitions,
    root_command,
)

EPOCH_S = 1_764_000_000


def plan_of(architecture: Architecture = "amd64", *, ssh: bool = False) -> Plan:
    return make_plan(architecture, epoch_s=EPOCH_S, mirror="http://m", security="http://s", ssh=ssh)


def test_partitions_lie_behind_each_other_and_the_data_are_the_last() -> None:
    inside = sorted((one for one in partitions() if one.kind != "5"), key=lambda one: one.start_bytes)
    for before, after in pairwise(inside):
        assert before.start_bytes + before.size_bytes <= after.start_bytes
    assert inside[-1].number == 4, "nothing stands behind what grows"
    assert inside[-1].start_bytes + inside[-1].size_bytes == image_bytes()
    assert all(one.start_bytes % MIB == 0 for one in partitions())
    assert image_bytes() < FREE_MIB_NEEDED * MIB


def test_sfdisk_makes_of_the_script_what_the_gateway_and_the_installer_look_for(tmp_path: Path) -> None:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(image_bytes())
    script = partition_script(plan_of().disk)
    command = ["/usr/sbin/sfdisk", "--quiet", "--no-reread", str(image)]
    subprocess.run(command, input=script, text=True, check=True, capture_output=True)
    with image.open("rb") as file:
        sector = file.read(512)
    assert [entry.kind for entry in entries(sector)] == [0xEF, PARTITION_TYPE, 0x05, 0x83]
    assert settings_entry(sector).sectors * 512 == PARTITION_BYTES
    shown = subprocess.run(
        ["/usr/sbin/sfdisk", "--dump", str(image)], check=True, capture_output=True, text=True
    )
    for one in partitions():
        line = next(line for line in shown.stdout.splitlines() if line.startswith(f"{image}{one.number} "))
        assert f"start={one.start_bytes // 512}," in line.replace(" ", "")
        assert f"size={one.size_bytes // 512}," in line.replace(" ", "")


@pytest.mark.parametrize("architecture", MACHINES)
def test_loader_slots_and_rauc_name_the_same_partitions(architecture: Architecture) -> None:
    plan = plan_of(architecture)
    loader = filled((FOLDER / "grub.cfg").read_text(), plan)
    rauc = contents(plan, microcode={}, ssh_key="")["etc/rauc/system.conf"].decode()
    assert "@" not in loader
    assert "@" not in rauc
    assert f"root=PARTUUID={plan.disk}-0$chosen" in loader
    for number, name in ((5, "A"), (6, "B")):
        assert f"device=/dev/disk/by-partuuid/{plan.disk}-0{number}\ntype=raw\nbootname={name}\n" in rauc
        assert f'"$name" = "{name}"' in loader
        assert f"set part={number}" in loader


def test_environment_of_grub_is_one_block_and_holds_what_the_first_boot_needs() -> None:
    block = grub_environment(FIRST_BOOT)
    assert len(block) == 1_024
    lines = block.decode().rstrip("#").splitlines()
    assert lines[0] == "# GRUB Environment Block"
    assert lines[1:] == [f"{name}={value}" for name, value in FIRST_BOOT.items()]


def test_nothing_listens_without_a_key_and_ssh_only_with_one() -> None:
    closed = contents(plan_of(), microcode={}, ssh_key="")
    assert not [name for name in closed if "ssh" in name]
    assert "openssh-server" not in plan_of().packages
    opened = contents(plan_of(ssh=True), microcode={}, ssh_key="ssh-ed25519 AAAA")
    assert opened["etc/ssh/authorized_keys"] == b"ssh-ed25519 AAAA"
    assert b"PasswordAuthentication no" in opened["etc/ssh/sshd_config.d/passerelle.conf"]
    assert "openssh-server" in plan_of(ssh=True).packages


def test_archive_is_the_same_bytes_and_secrets_are_only_root_s() -> None:
    files = contents(plan_of(), microcode={"arb.bin": b"\0"}, ssh_key="")
    laid = archive(files, EPOCH_S)
    assert laid == archive(dict(reversed(files.items())), EPOCH_S)
    with tarfile.open(fileobj=io.BytesIO(laid)) as tar:
        modes = {entry.name: entry.mode for entry in tar}
        assert {entry.mtime for entry in tar} == {EPOCH_S}
    assert modes["usr/lib/NetworkManager/system-connections/mobile.nmconnection"] == 0o600
    assert modes["etc/initramfs-tools/scripts/local-bottom/passerelle-data"] == 0o755
    assert modes["etc/fstab"] == 0o644
    assert "usr/lib/passerelle-firmware/arb.bin" in modes


def test_command_takes_debian_alone_and_every_package_of_the_plan() -> None:
    plan = plan_of()
    command = root_command(plan, files="/f", files_sha256="0", agent="/a.deb", output="/o", loader="/l")
    assert "--architectures=amd64" in command
    assert f"--include={','.join(plan.packages)}" in command
    assert command[-3:] == [
        "deb http://m bookworm main",
        "deb http://m bookworm-updates main",
        "deb http://s bookworm-security main",
    ]


@pytest.mark.parametrize("name", ["hooks/passerelle", "scripts/local-bottom/passerelle-data"])
def test_scripts_of_the_early_start_are_sound(name: str) -> None:
    script = FOLDER / "etc" / "initramfs-tools" / name
    subprocess.run(["sh", "-n", str(script)], check=True)
