"""Which change of the details is told at once instead of at the next quarter of an hour (pure).

    a flag or a word of ``WORDS`` changed, appeared or went         told
    a number of ``STEPS`` moved by its step since it was last told  told
    everything else                                                 waits

A reserve bounds it: what flutters is told ``RESERVE`` times and then at the pace of ``REFILL_S``.
"""

from dataclasses import dataclass, replace

from agent.host.fields import Fields

DETAILS_EVERY_S = 900
LOOK_EVERY_S = 60
RESERVE = 6
REFILL_S = 3_600
WORDS = frozenset(
    {
        *("agc_parity", "arb_parity", "spool_accepting", "under_voltage", "throttled", "disk_reserve"),
        *("gnss_fix", "gnss_pulse", "modem_operator", "modem_technology", "modem_state", "net_route"),
        *("version_agent", "version_kernel", "concentrator_eui", "disk_name"),
        *("balena_update", "balena_release"),
    }
)
STEPS: dict[str, float] = {
    "concentrator_c": 10.0,
    "noise_estimated_dbm": 6.0,
    "noise_measured_dbm": 6.0,
    "crc_failed_percent": 20.0,
    "memory_available_mb": 200.0,
    "disk_free_mb": 500.0,
    "disk_wear_percent": 10.0,
    "modem_signal_percent": 25.0,
    "modem_rsrp_dbm": 10.0,
    "backhaul_rtt_ms": 500.0,
    "gnss_satellites": 5.0,
    "certificate_days": 7.0,
    "spool_count": 1_000.0,
}
ENDINGS = ("_up",)
"""Of interfaces and connectors: ``net_wwan0_up``, ``lns_chirpstack_up``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The details that were told last, and what may still be told out of turn."""

    fields: Fields
    at_us: int
    reserve: float = RESERVE
    looked_at_us: int = 0


def judge(told: Told | None, fields: Fields, now_us: int) -> tuple[Told, str]:
    """Return what is told from here on, and why these fields are told now; empty: they wait."""
    if told is None:
        return Told(fields=fields, at_us=now_us, looked_at_us=now_us), "start"
    gathered = (now_us - told.looked_at_us) / 1_000_000 / REFILL_S
    told = replace(told, reserve=min(RESERVE, told.reserve + gathered), looked_at_us=now_us)
    if now_us - told.at_us >= DETAILS_EVERY_S * 1_000_000:
        return replace(told, fields=fields, at_us=now_us), "interval"
    changed = changes(told.fields, fields)
    if not changed or told.reserve < 1:
        return told, ""
    return replace(told, fields=fields, at_us=now_us, reserve=told.reserve - 1), "; ".join(changed)


def changes(before: Fields, after: Fields) -> list[str]:
    """Return what changed by enough, in words.

    >>> changes({"gnss_fix": 1, "concentrator_c": 40.0}, {"gnss_fix": 0, "concentrator_c": 49.9})
    ['gnss_fix 1 -> 0']
    """
    found = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        step = STEPS.get(name)
        if step is not None and isinstance(old, int | float) and isinstance(new, int | float):
            moved = abs(new - old) >= step
        else:
            moved = name in WORDS or name.endswith(ENDINGS)
        if moved:
            found.append(f"{name} {old} -> {new}")
    return found
