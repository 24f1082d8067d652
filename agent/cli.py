"""``passerelle agent``: run the daemon, show its state, explain its configuration, find faults, report."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from agent.status.say import Lang

UNUSABLE = 2


def main(arguments: list[str]) -> int:
    """Run one sub-command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except PermissionError as error:
        why = "réservé à l’utilisateur de l’agent\u202f; relancez la commande avec sudo."
        return _fail(f"{error.filename}\u202f: {why}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="passerelle agent", description="L’agent d’une passerelle")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="servir jusqu’à l’arrêt")
    run.add_argument("--image", type=Path, help="image ou carte flashée (premier démarrage)")
    run.set_defaults(run=_run)
    start = commands.add_parser("start", help="choisir la version du logiciel, puis servir (l’unité systemd)")
    start.add_argument("--image", type=Path, help="image ou carte flashée (premier démarrage)")
    start.set_defaults(run=_start)
    fetch = commands.add_parser("fetch", help="télécharger une version\u202f; l’agent le fait lui-même")
    fetch.set_defaults(run=_fetch)
    status = commands.add_parser("status", help="l’état sur un écran")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)
    config = commands.add_parser("config", help="la configuration en service")
    config.add_argument(
        "--explain", action="store_true", help="valeur, unité, origine et sens de chaque réglage"
    )
    config.add_argument("--schema", action="store_true", help="le schéma JSON du document")
    config.set_defaults(run=_config)
    doctor = commands.add_parser("doctor", help="ce qui ne va pas et que faire")
    doctor.add_argument("--json", action="store_true")
    doctor.set_defaults(run=_doctor)
    report = commands.add_parser("report", help="un paquet pour l’assistance, sans secret")
    report.add_argument("--output", type=Path, default=Path("passerelle-report.tar.gz"))
    report.set_defaults(run=_report)
    wire = commands.add_parser("wire", help="le langage entre passerelles et flotte (AsyncAPI)")
    wire.add_argument("--asyncapi", action="store_true", required=True)
    wire.set_defaults(run=_wire)
    for command in (status, doctor):
        command.add_argument(
            "--lang", choices=("fr", "en"), default="fr", help="langue (français par défaut)"
        )
    for command in (run, start, fetch, status, config, doctor, report):
        required = command is not config
        command.add_argument("--state", type=Path, required=required, help="dossier d’état de l’agent")
    return parser


def _run(options: argparse.Namespace) -> int:
    from agent.run import run_agent

    return run_agent(options.state, options.image)


def _start(options: argparse.Namespace) -> int:
    from agent.releases.launcher import start

    image = [] if options.image is None else ["--image", str(options.image)]
    start(options.state, ["--state", str(options.state), *image])
    return UNUSABLE


def _fetch(options: argparse.Namespace) -> int:
    from agent.releases.bring import main as bring

    return bring(options.state)


def _status(options: argparse.Namespace) -> int:
    from agent.status.say import Lang
    from agent.status.screen import render
    from agent.status.status import ask_status

    status = ask_status(options.state)
    if status is None:
        return _status_at_rest(options.state, Lang(options.lang))
    if options.json:
        print(json.dumps(msgspec.to_builtins(status), ensure_ascii=False, indent=1))
    else:
        print(render(status, Lang(options.lang)))
    return 0


def _status_at_rest(state: Path, lang: "Lang") -> int:
    from agent.enrol.client import load_enrolment
    from agent.status.say import say, typeset
    from agent.status.screen import ENROLMENT_WORDS

    if not (state / "settings.json").exists():
        return _fail(f"{state}\u202f: aucun agent n’a encore démarré ici.")
    outcome = ENROLMENT_WORDS[str(load_enrolment(state).outcome or "")]
    print(say(lang, "L’agent est ARRÊTÉ.", "The agent is STOPPED."))
    print(typeset(lang, f"  {say(lang, 'Enrôlement', 'Enrolment'):<17}{say(lang, *outcome)}"))
    return 1


def _config(options: argparse.Namespace) -> int:
    from agent.configuration.boot import version_of
    from agent.configuration.explain import explain, schema
    from agent.doctor.look import running_configuration
    from agent.enrol.settings import SettingsError, load_settings
    from agent.wire.configuration import encode_configuration

    if options.schema:
        print(schema().decode())
        return 0
    if options.state is None:
        return _fail("--state est nécessaire, sauf avec --schema")
    try:
        order = load_settings(options.state, None)
        running = running_configuration(options.state, order)
    except SettingsError as error:
        return _fail(str(error))
    if running is None:
        return _fail(f"{options.state}\u202f: aucune configuration lisible")
    version, content = running
    if not options.explain:
        print(msgspec.json.format(encode_configuration(content), indent=1).decode())
        return 0
    print(f"Configuration en service\u202f: version {version}")
    for line in explain(content, version=version, order_version=version_of(order)):
        print(f"  {line.path:<28} {line.value + ' ' + line.unit:<24} {line.source:<22} {line.meaning}")
    return 0


def _doctor(options: argparse.Namespace) -> int:
    from agent.clock import SystemClock
    from agent.doctor.judge import SEVERITY_NAMES, judge
    from agent.doctor.look import look
    from agent.doctor.trouble import Severity
    from agent.status.say import Lang, say, typeset

    if not options.state.is_dir():
        return _fail(f"{options.state}\u202f: ce dossier n’existe pas")
    lang = Lang(options.lang)
    findings = judge(look(options.state, SystemClock()), lang)
    if options.json:
        print(
            json.dumps([msgspec.to_builtins(finding) for finding in findings], ensure_ascii=False, indent=1)
        )
    else:
        for finding in findings:
            severity = say(lang, *SEVERITY_NAMES[finding.severity])
            print(typeset(lang, f"  {severity:<13} {finding.what:<24} {finding.detail}"))
            if finding.remedy:
                print(typeset(lang, f"{'':<40} → {finding.remedy}"))
    return 1 if any(finding.severity is Severity.WRONG for finding in findings) else 0


def _report(options: argparse.Namespace) -> int:
    from agent.clock import SystemClock
    from agent.doctor.report import write_report

    if not options.state.is_dir():
        return _fail(f"{options.state}\u202f: ce dossier n’existe pas")
    try:
        names = write_report(options.state, options.output, SystemClock())
    except OSError as error:
        return _fail(f"{options.output}\u202f: {error.strerror}")
    print(f"{options.output}\u202f: {', '.join(names)}. Sans clé ni jeton.")
    return 0


def _wire(_: argparse.Namespace) -> int:
    from agent import RELEASE
    from agent.wire.asyncapi import render

    print(render(RELEASE).decode(), end="")
    return 0


def _fail(text: str) -> int:
    print(f"passerelle agent\u202f: {text}", file=sys.stderr)
    return UNUSABLE
