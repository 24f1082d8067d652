"""The event ``details``, pure: what the data path adds to it, and which change of it goes out at once.

Details go out every quarter of an hour; a change goes out at the next look:

    a flag or a word of ``WORDS`` changed, appeared or went        sent at once
    a number of ``STEPS`` moved by its step since it was last sent  sent at once
    everything else                                                 waits

A reserve bounds it: what flutters goes out ``RESERVE`` times and then at the pace of ``REFILL_S``.
"""

from dataclasses import dataclass, replace

from agent.host.fields import Fields
from agent.observation import DataPathState

DETAILS_EVERY_S = 900
LOOK_EVERY_S = 60
RESERVE = 6
REFILL_S = 3_600
WORDS = frozenset(
    {
        *("agc_parity", "arb_parity", "under_voltage", "throttled", "disk_reserve"),
        *("spool_accepting", "spool_unbalanced_count"),
        *("gnss_fix", "gnss_pulse", "modem_operator", "modem_technology", "modem_state", "net_route"),
        *("version_agent", "version_kernel", "concentrator_eui", "disk_name"),
        *("balena_update", "balena_release"),
        *("card_in_memory", "card_left_mb"),
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
"""Interfaces and connectors have these: ``net_wwan0_up``, ``lns_chirpstack_up``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailsSent:
    """The details that went out last, and how many may still go out of turn."""

    fields: Fields
    at_us: int
    reserve: float = RESERVE
    looked_at_us: int = 0


def judge(sent: DetailsSent | None, fields: Fields, now_us: int) -> tuple[DetailsSent, str]:
    """Return what has gone out from here on, and why these fields go out now; empty: they wait."""
    if sent is None:
        return DetailsSent(fields=fields, at_us=now_us, looked_at_us=now_us), "start"
    gathered = (now_us - sent.looked_at_us) / 1_000_000 / REFILL_S
    sent = replace(sent, reserve=min(RESERVE, sent.reserve + gathered), looked_at_us=now_us)
    if now_us - sent.at_us >= DETAILS_EVERY_S * 1_000_000:
        return replace(sent, fields=fields, at_us=now_us), "interval"
    changed = changes(sent.fields, fields)
    if not changed or sent.reserve < 1:
        return sent, ""
    return replace(sent, fields=fields, at_us=now_us, reserve=sent.reserve - 1), "; ".join(changed)


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


def radio_fields(path: DataPathState, now_us: int) -> Fields:
    """Return what the data path tells at the monotonic instant ``now_us``."""
    fields = _concentrator(path, now_us) | _noise(path)
    for connector in path.connectors:
        fields[f"lns_{connector.name}_up"] = int(connector.up)
        fields[f"lns_{connector.name}_queued_count"] = connector.queued
        if connector.last_answer_us is not None:
            fields[f"lns_{connector.name}_answer_age_s"] = (
                max(0, now_us - connector.last_answer_us) // 1_000_000
            )
    fields["spool_count"] = path.spool_records
    fields["spool_accepting"] = int(path.spool_accepting)
    if path.balance is not None:
        fields["spool_restored_count"] = path.balance.restored
        fields["spool_unbalanced_count"] = path.balance.off
    for band, (used_us, allowed_us) in path.airtime.items():
        if used_us:
            fields[f"duty_{band}_used_percent"] = round(100 * used_us / allowed_us, 1)
            fields[f"duty_{band}_used_ms"] = used_us // 1000
    return fields


def _concentrator(path: DataPathState, now_us: int) -> Fields:
    received = path.received + path.crc_failed
    fields: Fields = {
        "radio": path.radio.name,
        "radio_since_s": max(0, now_us - path.radio_since_us) // 1_000_000,
    }
    if received:
        fields["crc_failed_percent"] = round(100 * path.crc_failed / received, 1)
    if path.temperature_c is not None:
        fields["concentrator_c"] = round(path.temperature_c, 1)
    if path.eui:
        fields["concentrator_eui"] = path.eui
    chip = path.chip
    if chip is None:
        return fields
    return fields | {
        "concentrator_counter_s": chip.counter_us // 1_000_000,
        "concentrator_said_age_s": max(0, now_us - path.chip_at_us) // 1_000_000,
        "agc_parity": int(chip.agc_parity_ok),
        "arb_parity": int(chip.arb_parity_ok),
        "agc_status": f"{chip.agc_status:#04x}",
    }


def _noise(path: DataPathState) -> Fields:
    if path.noise_dbm is None:
        return {}
    return {
        "noise_estimated_dbm": round(path.noise_dbm, 1),
        "noise_samples_count": path.noise_samples,
    }
