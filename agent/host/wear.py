"""How worn the medium under a folder is, as the kernel tells: eMMC says it, an SD card only what was written.

Sources: Linux ``Documentation/ABI/testing/sysfs-bus-mmc`` (life_time, pre_eol_info); JESD84-B51 §7.4.44: life
time used in tenths, 0x01 is 0 to 10 %, 0x0B is beyond its end; pre-EOL 1 normal, 2 warning, 3 urgent;
``Documentation/block/stat.rst``: field 7 is sectors written, of 512 bytes whatever the medium's own.
"""

import os
from pathlib import Path

from agent.host.fields import Fields

SECTOR_BYTES = 512
_WRITTEN_FIELD = 6
_WORN_OUT = 0x0B
_RESERVE = {1: "normal", 2: "warning", 3: "urgent"}


def medium_fields(folder: Path, sys_block: Path = Path("/sys/dev/block")) -> Fields:
    """Return kind, megabytes written since the machine's boot and wear, each absent where not told."""
    number = folder.stat().st_dev
    disk = _whole_disk(sys_block / f"{os.major(number)}:{os.minor(number)}")
    if disk is None:
        return {}
    fields: Fields = {"disk_name": disk.name}
    if (kind := _text(disk / "device" / "type")) and not kind.isdigit():
        fields["disk_kind"] = kind
    stat = _text(disk / "stat").split()
    if len(stat) > _WRITTEN_FIELD and stat[_WRITTEN_FIELD].isdigit():
        fields["disk_written_mb"] = int(stat[_WRITTEN_FIELD]) * SECTOR_BYTES // 1_000_000
    return fields | parse_life(_text(disk / "device" / "life_time"), _text(disk / "device" / "pre_eol_info"))


def parse_life(life_time: str, pre_eol: str) -> Fields:
    """Return the wear that an eMMC tells, the worse of its two kinds of memory.

    >>> parse_life("0x02 0x01", "0x01")
    {'disk_wear_percent': 20, 'disk_reserve': 'normal'}
    >>> parse_life("", "")
    {}
    """
    fields: Fields = {}
    try:
        used = max((int(one, 16) for one in life_time.split()), default=0)
        reserve = int(pre_eol, 16) if pre_eol else 0
    except ValueError:
        return {}
    if 0 < used <= _WORN_OUT:
        fields["disk_wear_percent"] = min(used * 10, 100)
    if reserve in _RESERVE:
        fields["disk_reserve"] = _RESERVE[reserve]
    return fields


def _whole_disk(device: Path) -> Path | None:
    """Return the disk that a block device is, or is a partition of."""
    try:
        resolved = device.resolve(strict=True)
    except OSError:
        return None
    return resolved.parent if (resolved / "partition").exists() else resolved


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
