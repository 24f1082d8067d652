"""``passerelle hal info``: who the chip is, started once to know."""

import json
from argparse import Namespace

from hal.sx1302 import identity
from hal.sx1302.driver import Sx1302
from hal.sx1302.identity import Identity
from hal.tools.opening import opened
from hal.tools.words import words


def run(options: Namespace) -> int:
    """Start, print, stop."""
    with opened(options) as (concentrator, choice):
        facts = _facts(concentrator, choice.board.name, options.bus or choice.board.bus)
    print(json.dumps(facts, ensure_ascii=False) if options.json else _table(facts, options.lang))
    return 0


def _facts(concentrator: Sx1302, board: str, bus: str) -> dict[str, object]:
    clock = concentrator.wiring.clock
    began_us = clock.monotonic_us()
    concentrator.start()
    took_s = (clock.monotonic_us() - began_us) / 1e6
    transactions = concentrator.registers.transactions
    who = Identity(
        version=concentrator.version,
        model=identity.read_model(concentrator.registers),
        eui=concentrator.eui,
    )
    return {
        "board": board,
        "bus": bus,
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
