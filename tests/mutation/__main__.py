"""`python -m tests.mutation MODULE`: plants mistakes into modules and prints those that no test finds."""

import argparse
import os
import sys
from pathlib import Path

from tests.mutation.run import run


def main() -> int:
    """Print the survivors and, for each module, how many of how many were found."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="+", metavar="MODULE", help="for instance fleet.safety.oracle")
    parser.add_argument("--sample", type=int, help="so many mistakes, drawn by lot; all without")
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
        survivors = [found for found in results if found.by is None]
        for found in results if asked.all else survivors:
            print(found)
        print(f"{module}: {len(results) - len(survivors)} of {len(results)} found", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
