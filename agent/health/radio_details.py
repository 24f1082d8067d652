"""Details of the data path out of its state: concentrator, LNS connectors, spool, duty cycle (pure)."""

from agent.host.fields import Fields
from agent.observation import DataPathState


def radio_fields(path: DataPathState, now_us: int) -> Fields:
    """Return what the data path tells at the monotonic instant ``now_us``."""
    fields = _concentrator(path, now_us) | _noise(path)
    for one in path.connectors:
        fields[f"lns_{one.name}_up"] = int(one.up)
        fields[f"lns_{one.name}_queued_count"] = one.queued
        if one.last_answer_us is not None:
            fields[f"lns_{one.name}_answer_age_s"] = max(0, now_us - one.last_answer_us) // 1_000_000
    fields["spool_count"] = path.spool_records
    fields["spool_accepting"] = int(path.spool_accepting)
    for band, (used_us, allowed_us) in path.airtime.items():
        if used_us:
            fields[f"duty_{band}_used_percent"] = round(100 * used_us / allowed_us, 1)
            fields[f"duty_{band}_used_ms"] = used_us // 1000
    return fields


def _concentrator(path: DataPathState, now_us: int) -> Fields:
    heard = path.received + path.crc_failed
    fields: Fields = {
        "radio": path.radio.name,
        "radio_since_s": max(0, now_us - path.radio_since_us) // 1_000_000,
    }
    if heard:
        fields["crc_failed_percent"] = round(100 * path.crc_failed / heard, 1)
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
