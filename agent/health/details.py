"""Details every 15 minutes: what a heartbeat has no room for, each name with its unit.

Sources: bits of ``get_throttled`` (documentation of raspberrypi.com, *os.adoc*);
ModemManager ``mmcli --output-keyvalue``; sectors of ``/proc/diskstats`` through psutil.
"""

import os
import shutil
import subprocess
from pathlib import Path

import psutil

DETAILS_EVERY_S = 900
TOOL_WAIT_S = 5.0
THROTTLED_FILE = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
"""Hexadecimal bits, by the kernel's raspberrypi-firmware driver."""
MODEM_KEYS = {
    "modem.3gpp.operator-name": "modem_operator",
    "modem.generic.access-technologies.value[1]": "modem_technology",
    "modem.generic.signal-quality.value": "modem_signal_percent",
    "modem.generic.state": "modem_state",
}
_UNDER_VOLTAGE, _THROTTLED, _UNDER_VOLTAGE_SEEN, _THROTTLED_SEEN = 1, 1 << 2, 1 << 16, 1 << 18

Fields = dict[str, str | int | float]


def machine_details(state: Path) -> Fields:
    """Return what this machine tells; a name is absent where it tells nothing."""
    fields: Fields = {"cpu_load_1min": round(os.getloadavg()[0], 2), "cpu_count": os.cpu_count() or 1}
    memory = psutil.virtual_memory()
    process = psutil.Process()
    disk = psutil.disk_usage(str(state))
    fields |= {
        "memory_available_mb": memory.available // 1_000_000,
        "agent_rss_mb": process.memory_info().rss // 1_000_000,
        "agent_threads": process.num_threads(),
        "disk_free_mb": disk.free // 1_000_000,
    }
    written = psutil.disk_io_counters()
    if written is not None:
        fields["disk_written_mb"] = written.write_bytes // 1_000_000
    for name, counters in psutil.net_io_counters(pernic=True).items():
        if name != "lo":
            fields[f"net_{name}_sent_kb"] = counters.bytes_sent // 1000
            fields[f"net_{name}_received_kb"] = counters.bytes_recv // 1000
    return fields | throttling() | _modem()


def backhaul_bytes() -> int:
    """Return bytes sent and received by every interface but loopback, since the machine's boot."""
    per_interface = psutil.net_io_counters(pernic=True)
    return sum(
        counters.bytes_sent + counters.bytes_recv for name, counters in per_interface.items() if name != "lo"
    )


def parse_throttled(text: str) -> Fields:
    """Return the flags of ``throttled=0x50005``.

    >>> parse_throttled("throttled=0x50000")["under_voltage_seen"]
    1
    """
    try:
        bits = int(text.strip().partition("=")[2], 16)
    except ValueError:
        return {}
    return {
        "under_voltage": int(bool(bits & _UNDER_VOLTAGE)),
        "throttled": int(bool(bits & _THROTTLED)),
        "under_voltage_seen": int(bool(bits & _UNDER_VOLTAGE_SEEN)),
        "throttled_seen": int(bool(bits & _THROTTLED_SEEN)),
    }


def parse_modem(text: str) -> Fields:
    """Return operator, access technology and signal out of ``mmcli`` key-values."""
    pairs = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    values = {key.strip(): value.strip() for key, value in pairs.items()}
    return {name: values[key] for key, name in MODEM_KEYS.items() if values.get(key, "--") != "--"}


def throttling(path: Path = THROTTLED_FILE) -> Fields:
    """Return the flags of a Raspberry Pi's firmware; nothing on another machine."""
    try:
        return parse_throttled("throttled=" + path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError):
        return {}


def power_word(flags: Fields) -> str | None:
    """Return the state of the supply in a word for the journal, or None where nobody tells.

    >>> power_word({"under_voltage": 1, "throttled": 1})
    'UNDER_VOLTAGE'
    """
    if not flags:
        return None
    return "UNDER_VOLTAGE" if flags["under_voltage"] else "THROTTLED" if flags["throttled"] else "GOOD"


def _modem() -> Fields:
    return parse_modem(_output("mmcli", "--modem=any", "--output-keyvalue"))


def _output(program: str, *arguments: str) -> str:
    """Return what a tool prints, or nothing where it is missing, fails or hangs."""
    path = shutil.which(program)
    if path is None:
        return ""
    try:
        done = subprocess.run(
            [path, *arguments], capture_output=True, text=True, check=False, timeout=TOOL_WAIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
