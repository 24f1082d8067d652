"""``passerelle hal info``: who the chip is, started once to know."""

import json
from argparse import Namespace

from hal.sx1302 import identity
from hal.sx1302.identity import Identity
from hal.tools.opening import opened
from hal.tools.words import words


def run(options: Namespace) -> int:
    """Start, print, stop."""
    concentrator, choice = opened(options)
    clock = concentrator.wiring.clock
    began_us = clock.monotonic_us()
    try:
        concentrator.start()
        took_s = (clock.monotonic_us() - began_us) / 1e6
        transactions = concentrator.registers.transactions
        who = Identity(
            version=concentrator.version,
            model=identity.read_model(concentrator.registers),
            eui=concentrator.eui,
        )
        facts = {
            "board": choice.board.name,
            "bus": options.bus or choice.board.bus,
            "chip": who.model_name,
            "version": identity.KNOWN_VERSIONS.get(who.version, f"{who.version:#04x}"),
            "eui": who.eui,
            "agc": concentrator.images.agc_version,
            "arb": concentrator.images.arb_version,
            "temperature": concentrator.temperature_c(),
            "counter": concentrator.counter_us(),
            "transactions": transactions,
            "start_s": round(took_s, 3),
            "warnings": concentrator.warnings,
        }
    finally:
        concentrator.stop()
    print(json.dumps(facts, ensure_ascii=False) if options.json else _table(facts, options.lang))
    return 0


def _table(facts: dict[str, object], lang: str | None) -> str:
    text = words(lang)
    temperature = facts["temperature"]
    rows = [(text[key], str(facts[key])) for key in ("board", "bus", "chip", "version", "eui", "agc", "arb")]
    rows.append((text["temperature"], text["none"] if temperature is None else f"{temperature:.1f} °C"))
    rows.append((text["counter"], f"{facts['counter']} µs"))
    cost = text["start_cost"].format(transactions=facts["transactions"], seconds=facts["start_s"])
    rows.append((text["start"], cost))
    warnings = facts["warnings"]
    assert isinstance(warnings, list)
    rows += [(text["warning"], warning) for warning in warnings]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in rows)
