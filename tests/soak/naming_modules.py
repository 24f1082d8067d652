"""``python -m tests.soak.naming_modules FILE python -m MODULE …`` runs MODULE; FILE says what it loaded."""

import atexit
import json
import runpy
import sys
from pathlib import Path


def main(out: str, _: str, __: str, module: str, *arguments: str) -> None:
    """Run a module as its own process would, with its arguments."""
    atexit.register(lambda: Path(out).write_text(json.dumps(sorted(sys.modules))))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
