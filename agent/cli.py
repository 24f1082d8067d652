"""``passerelle agent``: run the daemon, show its state, explain its configuration."""

import argparse
import json
import sys
from pathlib import Path

import msgspec


def main(arguments: list[str]) -> int:
    """Run one sub-command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="passerelle agent", description="L’agent d’une passerelle")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="servir jusqu’à l’arrêt")
    run.add_argument("--image", type=Path, help="image ou carte flashée (premier démarrage)")
    run.set_defaults(run=_run)
    status = commands.add_parser("status", help="l’état sur un écran")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)
    for command in (run, status):
        command.add_argument("--state", type=Path, required=True, help="dossier d’état de l’agent")
    options = parser.parse_args(arguments)
    return int(options.run(options))


def _run(options: argparse.Namespace) -> int:
    from agent.run import run_agent

    return run_agent(options.state, options.image)


def _status(options: argparse.Namespace) -> int:
    from agent.health.screen import render
    from agent.health.status import ask_status

    status = ask_status(options.state)
    if status is None:
        return _status_at_rest(options.state)
    if options.json:
        print(json.dumps(msgspec.to_builtins(status), ensure_ascii=False, indent=1))
    else:
        print(render(status))
    return 0


def _status_at_rest(state: Path) -> int:
    from agent.enrol.client import load_enrolment
    from agent.health.screen import ENROLMENT_WORDS

    if not (state / "settings.json").exists():
        print(f"{state}\u202f: aucun agent n’a encore démarré ici.", file=sys.stderr)
        return 2
    enrolment = load_enrolment(state)
    print("L’agent est ARRÊTÉ.")
    print(f"  Enrôlement       {ENROLMENT_WORDS[str(enrolment.outcome or '')]}")
    return 1
