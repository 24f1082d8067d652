"""``passerelle firmware``: the concentrator's firmware, and the image of a gateway."""

import argparse
import json
import sys
from pathlib import Path

from firmware.catalogue import CATALOGUE, Entries
from firmware.errors import FirmwareRefused
from firmware.image.command import add_arguments
from firmware.importing import Outcome, import_firmware
from firmware.store import State, StoredImage, default_directory, verify
from firmware.words import WORDS, language

DESCRIPTION = "Les microprogrammes du concentrateur : importer, lister, vérifier ; l’image d’une passerelle."


def main(arguments: list[str], *, entries: Entries = CATALOGUE) -> int:
    """Run one sub-command; 0 done, 1 not ready or altered, 2 refused."""
    options = _parser().parse_args(arguments)
    options.entries = entries
    try:
        return int(options.run(options))
    except FirmwareRefused as error:
        print(f"passerelle firmware: {error.text(language(options.lang))}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--json", action="store_true", help="sortie lisible par une machine")
    shared.add_argument("--lang", choices=("fr", "en"), help="langue (français sans autre indication)")
    shared.add_argument("--dir", type=Path, help="dossier des images (sinon PASSERELLE_FIRMWARE_DIR)")
    parser = argparse.ArgumentParser(prog="passerelle firmware", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="{import,list,verify,image}")
    importing = commands.add_parser("import", parents=[shared], help="prendre les images d’une archive")
    importing.add_argument(
        "path", type=Path, metavar="PATH", help="archive zip ou tar, dossier ou fichier .var"
    )
    importing.set_defaults(run=_import)
    listing = commands.add_parser("list", parents=[shared], help="le catalogue et ce qui est présent")
    listing.set_defaults(run=_list)
    verifying = commands.add_parser("verify", parents=[shared], help="relire et comparer chaque image")
    verifying.set_defaults(run=_verify)
    add_arguments(commands.add_parser("image", parents=[shared], help="construire l’image d’une passerelle"))
    return parser


def _directory(options: argparse.Namespace) -> Path:
    return options.dir if options.dir is not None else default_directory()


def _import(options: argparse.Namespace) -> int:
    directory = _directory(options)
    outcome = import_firmware(options.path, directory, options.entries)
    if options.json:
        print(json.dumps(_outcome_record(outcome), ensure_ascii=False, indent=1))
        return 0
    tongue = language(options.lang)
    words = WORDS[tongue]
    for done in outcome.imported:
        print(words["imported"].format(name=done.entry.name, version=done.entry.version, source=done.source))
    for refused in outcome.refused:
        print(
            words["refused"].format(source=refused.source, reason=refused.error.reason(tongue)),
            file=sys.stderr,
        )
    print(words["stored"].format(count=len(outcome.imported), directory=directory))
    return 0


def _list(options: argparse.Namespace) -> int:
    _show(verify(_directory(options), options.entries), options)
    return 0


def _verify(options: argparse.Namespace) -> int:
    verdicts = verify(_directory(options), options.entries)
    _show(verdicts, options)
    ready = all(one.state is State.GOOD for one in verdicts if one.entry.required)
    spoiled = any(one.state in {State.TRUNCATED, State.ALTERED} for one in verdicts)
    if not options.json:
        print(WORDS[language(options.lang)]["ready" if ready else "not_ready"])
    return 0 if ready and not spoiled else 1


def _show(verdicts: list[StoredImage], options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps([_verdict_record(one) for one in verdicts], ensure_ascii=False, indent=1))
        return
    tongue = language(options.lang)
    words = WORDS[tongue]
    print(
        f"{words['name']:<18}{words['version']:<10}{words['size']:>7}  {words['state']:<11}{words['purpose']}"
    )
    for one in verdicts:
        entry = one.entry
        purpose = entry.purpose_fr if tongue == "fr" else entry.purpose_en
        need = words["required" if entry.required else "optional"]
        state = words[one.state]
        print(f"{entry.name:<18}{entry.version:<10}{entry.size_bytes:>7}  {state:<11}{purpose}, {need}")


def _verdict_record(one: StoredImage) -> dict[str, object]:
    return {
        "name": one.entry.name,
        "version": one.entry.version,
        "size_bytes": one.entry.size_bytes,
        "sha256": one.entry.sha256,
        "required": one.entry.required,
        "state": str(one.state),
        "path": str(one.path),
    }


def _outcome_record(outcome: Outcome) -> dict[str, object]:
    return {
        "imported": [
            {
                "name": one.entry.name,
                "version": one.entry.version,
                "source": one.source,
                "path": str(one.path),
            }
            for one in outcome.imported
        ],
        "refused": [{"source": one.source, "reason": one.error.reason("fr")} for one in outcome.refused],
    }
