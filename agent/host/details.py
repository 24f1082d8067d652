"""Details of the machine: what a heartbeat has no room for, each number with its unit in its name.

eMMC says how worn it is, an SD card only what was written; a 4G modem answers over ModemManager's own tool.

Sources: Linux ``Documentation/ABI/testing/sysfs-bus-mmc`` (life_time, pre_eol_info); JESD84-B51 §7.4.44: life
time used in tenths, 0x01 is 0 to 10 %, 0x0B is beyond its end; pre-EOL 1 normal, 2 warning, 3 urgent;
``Documentation/block/stat.rst``: field 7 is sectors written, of 512 bytes whatever the medium's own.
mmcli(1) of ModemManager 1.20, ``--output-keyvalue``: "--" stands for nothing known; the values of
``--signal-get`` come once ``--signal-setup`` asked for them.
"""

import os
import platform
import sys
from pathlib import Path

import psutil

from agent import RELEASE
from agent.host.balena import balena_here
from agent.host.fields import Fields
from agent.host.supply import throttling
from agent.host.tools import output

SECTOR_BYTES = 512
_WRITTEN_FIELD = 6
_WORN_OUT = 0x0B
_RESERVE = {1: "normal", 2: "warning", 3: "urgent"}

SIGNAL_EVERY_S = 60
WORDS = {
    "modem.3gpp.operator-name": "modem_operator",
    "modem.generic.access-technologies.value[1]": "modem_technology",
    "modem.generic.state": "modem_state",
}
NUMBERS = {
    "modem.generic.signal-quality.value": "modem_signal_percent",
    "modem.signal.lte.rssi": "modem_rssi_dbm",
    "modem.signal.lte.rsrp": "modem_rsrp_dbm",
    "modem.signal.lte.rsrq": "modem_rsrq_db",
    "modem.signal.lte.snr": "modem_snr_db",
}

ROUTES_FILE = Path("/proc/net/route")


def machine_details(state: Path) -> Fields:
    """Return what this machine tells; a name is absent where it tells nothing."""
    fields = _processor_and_memory() | _disk(state) | _network() | throttling() | modem_fields()
    balena = balena_here()
    return fields | versions() | ({} if balena is None else balena.fields())


def versions() -> Fields:
    """Return what software runs here."""
    return {
        "version_agent": RELEASE,
        "version_python": platform.python_version(),
        "version_kernel": platform.release(),
        "version_os": _os_name(),
    }


def backhaul_bytes() -> int:
    """Return bytes sent and received by every interface but loopback, since the machine's boot."""
    per_interface = psutil.net_io_counters(pernic=True)
    return sum(
        counters.bytes_sent + counters.bytes_recv for name, counters in per_interface.items() if name != "lo"
    )


def default_interface(routes: str) -> str | None:
    """Return the interface of the default route in the text of ``/proc/net/route``.

    >>> default_interface("Iface Destination Gateway\\nwwan0 00000000 0101A8C0")
    'wwan0'
    """
    for line in routes.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 1 and fields[1] == "00000000":
            return fields[0]
    return None


def route_now() -> str | None:
    """Return the interface that carries the default route, None when none does."""
    try:
        return default_interface(ROUTES_FILE.read_text(encoding="ascii"))
    except OSError:
        return None


def _processor_and_memory() -> Fields:
    memory, process = psutil.virtual_memory(), psutil.Process()
    fields: Fields = {
        "cpu_load_1min_count": round(os.getloadavg()[0], 2),
        "cpu_count": os.cpu_count() or 1,
        "memory_available_mb": memory.available // 1_000_000,
        "memory_total_mb": memory.total // 1_000_000,
        "agent_rss_mb": process.memory_info().rss // 1_000_000,
        "agent_threads_count": process.num_threads(),
    }
    frequency = psutil.cpu_freq() if sys.platform == "linux" else None
    if frequency is not None and frequency.current:
        fields["cpu_mhz"] = round(frequency.current)
    return fields


def _disk(state: Path) -> Fields:
    disk = psutil.disk_usage(str(state))
    sizes: Fields = {"disk_free_mb": disk.free // 1_000_000, "disk_total_mb": disk.total // 1_000_000}
    return sizes | medium_fields(state)


def _network() -> Fields:
    fields: Fields = {}
    states = psutil.net_if_stats()
    for name, counters in psutil.net_io_counters(pernic=True).items():
        if name == "lo":
            continue
        fields[f"net_{name}_up"] = int(name in states and states[name].isup)
        fields[f"net_{name}_sent_kb"] = counters.bytes_sent // 1000
        fields[f"net_{name}_received_kb"] = counters.bytes_recv // 1000
        if lost := counters.errin + counters.errout + counters.dropin + counters.dropout:
            fields[f"net_{name}_lost_count"] = lost
    route = route_now()
    return fields | ({} if route is None else {"net_route": route})


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def modem_fields() -> Fields:
    """Return operator, technology, state and signal; nothing where there is no modem."""
    fields = parse_modem(output("mmcli", "--modem=any", "--output-keyvalue"))
    if not fields:
        return {}
    signal = parse_modem(output("mmcli", "--modem=any", "--signal-get", "--output-keyvalue"))
    if not signal:
        output("mmcli", "--modem=any", f"--signal-setup={SIGNAL_EVERY_S}")
    return fields | signal


def parse_modem(text: str) -> Fields:
    """Return what the key-values of ``mmcli`` tell.

    >>> parse_modem("modem.signal.lte.rsrp : -98.00")
    {'modem_rsrp_dbm': -98.0}
    """
    pairs = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in pairs.items()}
    fields: Fields = {
        name: values[key] for key, name in WORDS.items() if values.get(key, "--") not in ("", "--")
    }
    for key, name in NUMBERS.items():
        try:
            fields[name] = float(values.get(key, "--"))
        except ValueError:
            continue
    return fields


def medium_fields(folder: Path, sys_block: Path = Path("/sys/dev/block")) -> Fields:
    """Return kind, megabytes written since the machine's boot and wear, each absent where unknown."""
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
        used = max((int(tenths, 16) for tenths in life_time.split()), default=0)
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
