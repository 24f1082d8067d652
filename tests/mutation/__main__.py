"""`python -m tests.mutation [MODULE …]`: plants mistakes and prints those that no test finds.

With modules: their mistakes, all or a sample. Without: a draw by lot over all pure cores, a sample of them.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.mutation.draw import draw
from tests.mutation.pure import pure_modules
from tests.mutation.run import Found, run

DRAWN = 40


def main() -> int:
    """Print the survivors and how many of how many were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="for instance fleet.safety.oracle")
    parser.add_argument("--sample", type=int, help=f"so many mistakes, drawn by lot; {DRAWN} of all cores")
    parser.add_argument("--each", type=int, default=1, help="so many in each module of a draw over all cores")
    parser.add_argument(
        "--without", nargs="*", default=[], help="modules that a draw over all cores leaves out"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="where the modules and their tests/ are"
    )
    parser.add_argument("--all", action="store_true", help="print those that were found too")
    asked = parser.parse_args()
    os.chdir(asked.root)
    sys.path.insert(0, str(asked.root))
    for module in asked.modules:
        results = run(module, asked.root, sample=asked.sample, seed=asked.seed, jobs=asked.jobs)
        _print(module, results, everything=asked.all)
    if not asked.modules:
        cores = [module for module in pure_modules(asked.root) if module not in asked.without]
        drawn = draw(cores, asked.root, count=asked.sample or DRAWN, each=asked.each, seed=asked.seed)
        _print(f"{len(cores)} pure modules, seed {asked.seed}", drawn, everything=asked.all)
    return 0


def _print(name: str, results: Iterable[Found], *, everything: bool) -> None:
    planted = found = 0
    for result in results:
        planted, found = planted + 1, found + (result.by is not None)
        if everything or result.by is None:
            print(result, flush=True)
    print(f"{name}: {found} of {planted} found", flush=True)


if __name__ == "__main__":
    sys.exit(main())
