"""`passerelle bench NAME [--json]`: measure, print, exit 1 when a figure is missed."""

import importlib
import pkgutil
import sys
from contextlib import redirect_stdout

import passerelle.benches
from passerelle.figures import render


def main(arguments: list[str]) -> int:
    """Run one benchmark, or all; each is ``passerelle.benches.NAME.measure() -> list[Figure]``."""
    names = sorted(module.name for module in pkgutil.iter_modules(passerelle.benches.__path__))
    as_json = "--json" in arguments
    chosen = [argument for argument in arguments if not argument.startswith("-")]
    if not chosen or (chosen[0] != "all" and chosen[0] not in names):
        print(f"usage: passerelle bench {{all,{','.join(names)}}} [--json]", file=sys.stderr)
        return 2
    met = True
    for name in names if chosen[0] == "all" else chosen[:1]:
        with redirect_stdout(sys.stderr):  # what the measured code logs is not part of the figures
            figures = importlib.import_module(f"passerelle.benches.{name}").measure()
        print(render(name, figures, as_json=as_json))
        met = met and all(figure.met for figure in figures)
    return 0 if met else 1
