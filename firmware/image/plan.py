"""What an image is made of, as values: partitions, packages, and the command that makes the root.

MBR, because the settings of a work order are an MBR partition (provisioning/decisions/0001): the boot
partition, the settings, an extended partition with both slots of the root, and the data, which grow to the
end of the card.

Sources: UEFI 2.10 §5.2.1 and §5.2.2 (legacy MBR, system partition of type 0xEF); sfdisk(8); mmdebstrap(1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Architecture = Literal["amd64"]
SECTOR_BYTES = 512
MIB = 1024 * 1024
BOOT_MIB, SETTINGS_MIB, SLOT_MIB, DATA_MIB = 128, 1, 512, 16
"""DATA_MIB is only what the image brings; the data grow at the first boot."""
FREE_MIB_NEEDED = 6 * 1024
"""What a build puts into its folder at most: the tree as an archive, packages, a slot, the image."""
SUITES = ("bookworm", "bookworm-updates", "bookworm-security")
BASE = (
    *("systemd-sysv", "udev", "dbus", "polkitd", "kmod", "initramfs-tools", "zstd", "e2fsprogs", "fdisk"),
    *(
        "util-linux",
        "busybox",
        "netbase",
        "python3",
        "ca-certificates",
        "iproute2",
        "nftables",
        "chrony",
        "network-manager",
    ),
    *("modemmanager", "mobile-broadband-provider-info", "rauc", "rauc-service", "grub-common"),
)
MACHINES: dict[Architecture, tuple[str, ...]] = {
    "amd64": ("linux-image-amd64", "grub-efi-amd64-signed", "shim-signed"),
}
LEFT_OUT = (
    *("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*/*", "/usr/share/bash-completion/*"),
    *(f"/lib/modules/*/kernel/{folder}/*" for folder in ("sound", "drivers/gpu", "drivers/media")),
    *(f"/lib/modules/*/kernel/drivers/{folder}/*" for folder in ("infiniband", "isdn", "iio")),
    *(f"/lib/modules/*/kernel/drivers/net/{folder}/*" for folder in ("ethernet/mellanox", "wireless")),
)
"""Files of packages that a gateway has no use for: it has neither screen, loudspeaker nor camera."""
UNITS = ("nftables.service", "passerelle-slot.timer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loader:
    """How the machine's own firmware finds GRUB: (file of the root, file of the boot partition)."""

    files: tuple[tuple[str, str], ...]
    console: str
    """The serial line of the kernel."""


LOADERS: dict[Architecture, Loader] = {
    "amd64": Loader(
        files=(
            ("usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
            ("usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi"),
            ("usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
        ),
        console="ttyS0,115200",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition; bytes from the begin of the image."""

    number: int
    kind: str
    """Type in the MBR, hexadecimal; ``5`` holds the logical ones."""
    start_bytes: int
    size_bytes: int
    active: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One image; the same plan and the same packages give the same bytes."""

    architecture: Architecture
    epoch_s: int
    """Every instant in the image."""
    mirror: str
    security: str
    packages: tuple[str, ...]
    ssh: bool
    """Whether a key opens it over SSH; without one nothing listens."""

    @property
    def disk(self) -> str:
        """Identifier of the partition table; partition N is ``PARTUUID=DISK-0N``."""
        return {"amd64": "7a55e4e1"}[self.architecture]

    @property
    def sources(self) -> tuple[str, ...]:
        """Lines of sources.list."""
        return tuple(
            f"deb {self.security if suite.endswith('security') else self.mirror} {suite} main"
            for suite in SUITES
        )


def make_plan(architecture: Architecture, *, epoch_s: int, mirror: str, security: str, ssh: bool) -> Plan:
    """Return the plan of an image."""
    packages = sorted({*BASE, *MACHINES[architecture], *(["openssh-server"] if ssh else [])})
    return Plan(
        architecture=architecture,
        epoch_s=epoch_s,
        mirror=mirror,
        security=security,
        packages=tuple(packages),
        ssh=ssh,
    )


def partitions() -> tuple[Partition, ...]:
    """Return the partitions by number: boot, settings, extended, data, slot A, slot B.

    >>> [one.number for one in sorted(partitions(), key=lambda one: one.start_bytes)]
    [1, 2, 3, 5, 6, 4]
    """
    boot = MIB
    settings = boot + BOOT_MIB * MIB
    extended = settings + SETTINGS_MIB * MIB
    slot_a = extended + MIB  # in front of each logical partition: its own table
    slot_b = slot_a + (SLOT_MIB + 1) * MIB
    data = slot_b + SLOT_MIB * MIB
    return (
        Partition(number=1, kind="ef", start_bytes=boot, size_bytes=BOOT_MIB * MIB, active=True),
        Partition(number=2, kind="da", start_bytes=settings, size_bytes=SETTINGS_MIB * MIB),
        Partition(number=3, kind="5", start_bytes=extended, size_bytes=data - extended),
        Partition(number=4, kind="83", start_bytes=data, size_bytes=DATA_MIB * MIB),
        Partition(number=5, kind="83", start_bytes=slot_a, size_bytes=SLOT_MIB * MIB),
        Partition(number=6, kind="83", start_bytes=slot_b, size_bytes=SLOT_MIB * MIB),
    )


def image_bytes() -> int:
    """Return the length of an image."""
    return max(one.start_bytes + one.size_bytes for one in partitions())


def partition_script(disk: str) -> str:
    """Return what sfdisk reads."""
    lines = ["label: dos", f"label-id: 0x{disk}", "unit: sectors", ""]
    for one in partitions():
        start, size = one.start_bytes // SECTOR_BYTES, one.size_bytes // SECTOR_BYTES
        lines.append(
            f"{one.number} : start={start}, size={size}, type={one.kind}"
            + (", bootable" if one.active else "")
        )
    return "\n".join(lines) + "\n"


def filled(text: str, plan: Plan) -> str:
    """Return a file of ``files/`` with what differs between images.

    >>> plan = make_plan("amd64", epoch_s=0, mirror="m", security="s", ssh=False)
    >>> filled("root=PARTUUID=@DISK@-05 @ARCH@", plan)
    'root=PARTUUID=7a55e4e1-05 amd64'
    """
    values = {"DISK": plan.disk, "ARCH": plan.architecture, "CONSOLE": LOADERS[plan.architecture].console}
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def root_command(
    plan: Plan, *, files: str, files_sha256: str, agent: str, output: str, loader: str
) -> list[str]:
    """Return the command that puts the root together as an archive.

    ``files`` is an archive laid over the packages, ``agent`` the agent's package, ``loader`` an existing
    folder that gets what the boot partition holds.
    """
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--architectures={plan.architecture}"]
    command += ['--aptopt=APT::Install-Recommends "false"', "--dpkgopt=force-confold"]
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    command += ["--dpkgopt=path-include=/usr/share/doc/*/copyright", f"--include={','.join(plan.packages)}"]
    command += [f"--essential-hook=tar-in {files} /"]
    command += [f"--customize-hook={line}" for line in _finish(plan, agent, loader, files_sha256)]
    return [*command, "bookworm", output, *plan.sources]


def _finish(plan: Plan, agent: str, loader: str, files_sha256: str) -> Iterable[str]:
    """Yield what is done once the packages are there."""
    yield f"copy-in {agent} /tmp"
    yield 'chroot "$1" sh -c "dpkg --install /tmp/passerelle-agent_*.deb && rm /tmp/passerelle-agent_*"'
    yield f'chroot "$1" systemctl enable --quiet {" ".join(UNITS)}'
    yield 'chroot "$1" systemctl disable --quiet apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer'
    yield 'mkdir -p "$1/data" "$1/boot/efi" "$1/var/lib/passerelle" "$1/var/lib/passerelle-firewall"'
    yield 'mkdir -p "$1/var/lib/NetworkManager/system-connections"'
    yield 'rm -rf "$1/etc/resolv.conf" "$1/var/lib/dbus/machine-id" "$1/var/log/journal"'
    yield 'rm -f "$1/etc/nftables.conf.dpkg-dist" "$1/var/cache/ldconfig/aux-cache"'
    yield 'rm -f "$1"/etc/passwd- "$1"/etc/shadow- "$1"/etc/group- "$1"/etc/gshadow- "$1"/etc/ssh/ssh_host_*'
    listed = f"dpkg-query --show; echo {files_sha256} {plan.epoch_s}"
    yield f'chroot "$1" sh -c "{{ {listed}; }} | sha256sum | cut -c1-16 > /etc/passerelle-build"'
    yield ': > "$1/etc/machine-id"'
    yield 'ln -s /run/NetworkManager/resolv.conf "$1/etc/resolv.conf"'
    for source, _ in LOADERS[plan.architecture].files:
        yield f"copy-out /{source} {loader}"
