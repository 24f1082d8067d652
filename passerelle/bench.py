"""`passerelle bench NAME [--json]`: measure, print, exit 1 when a figure is missed."""

import argparse
import importlib
import pkgutil
import sys
from contextlib import redirect_stdout

import passerelle.benches
from passerelle.figures import render


def main(arguments: list[str]) -> int:
    """Run one benchmark, or all; each is ``passerelle.benches.NAME.measure() -> list[Figure]``."""
    names = sorted(module.name for module in pkgutil.iter_modules(passerelle.benches.__path__))
    parser = argparse.ArgumentParser(
        prog="passerelle bench",
        description="Measure, and print the figures beside their targets; exit 1 when one is missed.",
        allow_abbrev=False,
    )
    parser.add_argument("name", choices=["all", *names], help="what is measured")
    parser.add_argument("--json", action="store_true", help="figures for a program")
    try:
        asked = parser.parse_args(arguments)
    except SystemExit as ended:  # it wrote its help, or what is wrong
        return int(ended.code or 0)
    met = True
    for name in names if asked.name == "all" else [asked.name]:
        with redirect_stdout(sys.stderr):  # what the measured code logs is not part of the figures
            figures = importlib.import_module(f"passerelle.benches.{name}").measure()
        print(render(name, figures, as_json=asked.json))
        met = met and all(figure.met for figure in figures)
    return 0 if met else 1
