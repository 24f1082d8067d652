"""Details of the machine: what a heartbeat has no room for, each number with its unit in its name."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

import psutil

from agent.host.balena import balena_here
from agent.host.fields import Fields
from agent.host.modem import modem_fields
from agent.host.supply import throttling
from agent.host.wear import medium_fields

ROUTES_FILE = Path("/proc/net/route")


def machine_details(state: Path) -> Fields:
    """Return what this machine tells; a name is absent where it tells nothing."""
    fields = _processor_and_memory() | _disk(state) | _network() | throttling() | modem_fields()
    balena = balena_here()
    return fields | versions() | ({} if balena is None else balena.fields())


def versions() -> Fields:
    """Return what software runs here."""
    return {
        "version_agent": version("passerelle"),
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
