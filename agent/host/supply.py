"""The supply of a Raspberry Pi: throttling and under-voltage, from whichever of three places tells.

    /sys/devices/platform/soc/soc:firmware/get_throttled    the kernel's firmware driver
    vcgencmd get_throttled                                   the firmware's own tool, where it is installed
    hwmon ``rpi_volt``, in0_lcrit_alarm                      under-voltage only

Sources: bits of ``get_throttled`` (documentation of raspberrypi.com, *os.adoc*); Linux
``Documentation/hwmon/raspberrypi-hwmon.rst``.
"""

from pathlib import Path

from agent.host.fields import Fields
from agent.host.tools import output

FIRMWARE_FILE = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
HWMON = Path("/sys/class/hwmon")
_UNDER_VOLTAGE, _THROTTLED, _UNDER_VOLTAGE_SEEN, _THROTTLED_SEEN = 1, 1 << 2, 1 << 16, 1 << 18


def parse_throttled(text: str) -> Fields:
    """Return the flags of ``throttled=0x50005``, or of the bare hexadecimal number.

    >>> parse_throttled("throttled=0x50000")["under_voltage_seen"]
    1
    """
    try:
        bits = int(text.strip().rpartition("=")[2], 16)
    except ValueError:
        return {}
    return {
        "under_voltage": int(bool(bits & _UNDER_VOLTAGE)),
        "throttled": int(bool(bits & _THROTTLED)),
        "under_voltage_seen": int(bool(bits & _UNDER_VOLTAGE_SEEN)),
        "throttled_seen": int(bool(bits & _THROTTLED_SEEN)),
    }


def throttling(path: Path = FIRMWARE_FILE, hwmon: Path = HWMON) -> Fields:
    """Return the flags of a Raspberry Pi; nothing on another machine."""
    return (
        parse_throttled(_text(path)) or parse_throttled(output("vcgencmd", "get_throttled")) or _volt(hwmon)
    )


def power_state(flags: Fields) -> str | None:
    """Return the state of the supply in a word for the journal, or None where nobody tells.

    >>> power_state({"under_voltage": 1, "throttled": 1})
    'UNDER_VOLTAGE'
    """
    if not flags:
        return None
    return "UNDER_VOLTAGE" if flags["under_voltage"] else "THROTTLED" if flags.get("throttled") else "GOOD"


def _volt(hwmon: Path) -> Fields:
    for name in sorted(hwmon.glob("*/name")):
        if _text(name) == "rpi_volt":
            alarm = _text(name.with_name("in0_lcrit_alarm"))
            return {"under_voltage": int(alarm)} if alarm in ("0", "1") else {}
    return {}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
