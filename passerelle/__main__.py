"""The one command.  Sub-commands are imported when they are named: a gateway has no web framework."""

import importlib
import os
import sys

SUBCOMMANDS = {
    "agent": ("agent.cli", "the daemon of one gateway: run, status, config"),
    "fleet": ("fleet.cli.main", "the manager of all gateways: serve, territory, order, …"),
    "hal": ("hal.cli", "the concentrator: info, listen, transmit, selftest, twin, transcript"),
    "firmware": ("firmware.cli", "concentrator firmware: import, list, verify"),
    "provision": ("provisioning.cli", "the installer's side: flash, check"),
    "demo": ("demo.cli", "all of it on one machine"),
    "bench": ("passerelle.bench", "measured figures: hal, agent, wire, availability, incidents"),
}
READER_GONE = 141
"""The exit status of a shell for a program that SIGPIPE ended: `passerelle … | head`."""
EXTRAS = {
    "agent": "gateway",
    "hal": "gateway",
    "fleet": "fleet",
    "demo": "demo",
    "bench": "dev",
}
"""What a sub-command needs beside the dependencies that everything has."""


def main() -> int:
    """Run the sub-command that is named first; each module has ``main(arguments) -> int``."""
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help") or arguments[0] not in SUBCOMMANDS:
        return _usage(arguments)
    name = arguments[0]
    try:
        module = importlib.import_module(SUBCOMMANDS[name][0])
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in {
            path.split(".")[0] for path, _ in SUBCOMMANDS.values()
        }:
            raise
        extra = f"[{EXTRAS[name]}]" if name in EXTRAS else ""
        print(
            f"passerelle {name}: {error.name} is not installed; pip install 'passerelle{extra}'",
            file=sys.stderr,
        )
        return 1
    try:
        return int(module.main(arguments[1:]) or 0)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return READER_GONE


def _usage(arguments: list[str]) -> int:
    wrong = bool(arguments) and arguments[0] not in ("-h", "--help")
    out = sys.stderr if wrong or not arguments else sys.stdout
    if wrong:
        print(f"passerelle: no sub-command {arguments[0]!r}", file=out)
    print("usage: passerelle SUB-COMMAND [ARGUMENTS]\n", file=out)
    for name, (_, text) in SUBCOMMANDS.items():
        print(f"  {name:<10} {text}", file=out)
    return 0 if out is sys.stdout else 2


if __name__ == "__main__":
    sys.exit(main())
