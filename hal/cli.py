"""``passerelle hal``: the concentrator by hand.

Each sub-command is a module of ``hal.tools``, imported when it is named.  A user's mistake is one line on
standard error and exit 2; a chip or a line that fails, one line and exit 1.
"""

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hal.errors import HalError, OurMistake
from hal.tools.words import words

DESCRIPTION = "Le concentrateur à la main\u202f: identité, écoute, émission, spectre, autotest, jumeau."
TWIN_BOARDS = ("corecell", "rak2287", "rak5146", "rak5146-usb", "waveshare", "wm1302")
TWIN_FAULTS = (
    "agc-stuck",
    "deaf",
    "mcu-silent",
    "dead-bus",
    "missing-sensor",
    "pps-missing",
    "calibration",
    "tx-stuck",
    "bit-errors",
    "torn-reads",
)


def main(arguments: list[str]) -> int:
    """Run one sub-command."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        module = importlib.import_module(f"hal.tools.{options.module}")
        return int(module.run(options))
    except HalError as error:
        print(f"passerelle hal: {_explained(error, options.lang)}", file=sys.stderr)
        return 2 if isinstance(error, OurMistake) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _explained(error: HalError, lang: str | None) -> str:
    """Return the kind of an error in the user's words, then what and where as the driver says it."""
    text = words(lang)
    notes = "".join(
        f" [{text['at_step']} {note.rpartition(': ')[2]}]" for note in getattr(error, "__notes__", ())
    )
    kind = text.get(type(error).__name__, type(error).__name__)
    return f"{kind} ({error}){notes}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="passerelle hal", description=DESCRIPTION)
    commands = parser.add_subparsers(dest="command", required=True)
    tongue = argparse.ArgumentParser(add_help=False)
    tongue.add_argument("--lang", choices=("fr", "en"), help="langue (français sans autre indication)")
    board = _board_options(tongue)
    _info(commands, board)
    _listen(commands, board)
    _transmit(commands, board)
    _spectrum(commands, board)
    _selftest(commands, board)
    _transcript(commands, tongue)
    _compare(commands, tongue)
    _prove(commands, board)
    _import(commands, tongue)
    _twin(commands, tongue)
    return parser


class Commands(Protocol):
    """The group of sub-commands of an argument parser."""

    def add_parser(
        self,
        name: str,
        *,
        parents: Sequence[argparse.ArgumentParser],
        help: str,  # noqa: A002 argparse's word
    ) -> argparse.ArgumentParser: ...


def _board_options(tongue: argparse.ArgumentParser) -> argparse.ArgumentParser:
    board = argparse.ArgumentParser(add_help=False, parents=[tongue])
    board.add_argument("--bus", help="spi:APPAREIL, usb:APPAREIL ou socket:CHEMIN (celui de la carte sinon)")
    board.add_argument("--board", default="rak2287", help="nom, fichier .toml ou global_conf.json")
    board.add_argument("--plan", default="EU868", help="plan de canaux")
    board.add_argument("--private", action="store_true", help="réseau privé (mot 0x12)")
    board.add_argument("--images", type=Path, help="dossier des microprogrammes importés")
    board.add_argument("--json", action="store_true", help="sortie lisible par une machine")
    return board


def _info(commands: Commands, board: argparse.ArgumentParser) -> None:
    info = commands.add_parser("info", parents=[board], help="puce, EUI, versions, température")
    info.set_defaults(module="info")


def _listen(commands: Commands, board: argparse.ArgumentParser) -> None:
    listen = commands.add_parser("listen", parents=[board], help="les trames comme elles viennent")
    listen.add_argument("--seconds", type=float, help="durée")
    listen.add_argument("--count", type=int, default=0, help="nombre de trames")
    listen.set_defaults(module="listen")


def _transmit(commands: Commands, board: argparse.ArgumentParser) -> None:
    transmit = commands.add_parser("transmit", parents=[board], help="émettre une trame ou une porteuse")
    transmit.add_argument("--frequency", type=float, default=868.1, metavar="MHZ")
    transmit.add_argument("--modulation", choices=("lora", "fsk", "cw"), default="lora")
    transmit.add_argument("--sf", type=int, default=9)
    transmit.add_argument("--bandwidth", type=int, choices=(125, 250, 500), default=125, metavar="KHZ")
    transmit.add_argument("--coding-rate", choices=("4/5", "4/6", "4/7", "4/8"), default="4/5")
    transmit.add_argument("--bitrate", type=int, default=50_000)
    transmit.add_argument("--deviation", type=int, default=25_000, metavar="HZ")
    transmit.add_argument("--offset", type=int, default=10_000, metavar="HZ", help="porteuse\u202f: écart")
    transmit.add_argument("--seconds", type=float, default=1.0, help="porteuse\u202f: durée")
    transmit.add_argument("--power", type=float, default=14.0, metavar="DBM")
    transmit.add_argument("--preamble", type=int, default=8)
    transmit.add_argument("--rf-chain", type=int, choices=(0, 1), default=0)
    transmit.add_argument("--payload", default="50617373", metavar="HEX")
    transmit.add_argument("--count", type=int, default=1)
    transmit.add_argument("--on-gps", action="store_true", help="au prochain top seconde")
    transmit.add_argument("--downlink", action="store_true", help="polarité inversée, sans CRC")
    transmit.set_defaults(module="transmit")


def _spectrum(commands: Commands, board: argparse.ArgumentParser) -> None:
    spectrum = commands.add_parser("spectrum", parents=[board], help="ce qu’entend le SX1261")
    spectrum.add_argument("--start", type=float, default=863.1, metavar="MHZ")
    spectrum.add_argument("--stop", type=float, default=869.9, metavar="MHZ")
    spectrum.add_argument("--step", type=float, default=0.2, metavar="MHZ")
    spectrum.add_argument("--scans", type=int, default=2000)
    spectrum.add_argument("--png", type=Path, metavar="FICHIER")
    spectrum.set_defaults(module="spectrum")


def _selftest(commands: Commands, board: argparse.ArgumentParser) -> None:
    selftest = commands.add_parser("selftest", parents=[board], help="un verdict par ligne")
    selftest.add_argument("--gnss", metavar="PORT", help="port série du récepteur GNSS")
    selftest.set_defaults(module="selftest")


def _transcript(commands: Commands, tongue: argparse.ArgumentParser) -> None:
    transcript = commands.add_parser(
        "transcript", parents=[tongue], help="rejouer une configuration enregistrée et comparer"
    )
    transcript.add_argument("golden", type=Path, metavar="GOLDEN.json")
    transcript.add_argument("--images", type=Path, help="dossier des microprogrammes de Semtech")
    transcript.set_defaults(module="replay")


def _import(commands: Commands, tongue: argparse.ArgumentParser) -> None:
    import_ = commands.add_parser(
        "import", parents=[tongue], help="faire d’un global_conf.json une carte, aussi pour l’agent"
    )
    import_.add_argument("file", type=Path, metavar="global_conf.json")
    import_.add_argument("--name", required=True, help="nom de la carte\u202f: a-z, 0-9 et -")
    import_.add_argument("--reset-pin", type=int, metavar="BCM", help="broche de remise à zéro du SX1302")
    import_.set_defaults(module="import_board")


def _prove(commands: Commands, board: argparse.ArgumentParser) -> None:
    prove = commands.add_parser("prove", parents=[board], help="mesurer ce qui n’est que supposé")
    prove.add_argument("--partner", metavar="BUS", help="seconde carte, à portée")
    prove.add_argument("--repeats", type=int, default=20, help="nombre d’essais (20)")
    prove.add_argument("--report", type=Path, metavar="FICHIER", help="rapport JSON")
    prove.set_defaults(module="prove")


def _compare(commands: Commands, tongue: argparse.ArgumentParser) -> None:
    compare = commands.add_parser(
        "compare",
        parents=[tongue],
        help="notre pilote et une libloragw que l’on a construite, champ par champ",
    )
    compare.add_argument("--reference", type=Path, required=True, metavar="LIBLORAGW.so")
    compare.add_argument("--configurations", type=int, default=300, help="nombre (300)")
    compare.add_argument("--seed", type=int, default=1)
    compare.add_argument("--files", type=Path, nargs="*", default=[], metavar="global_conf.json")
    compare.add_argument(
        "--record", type=Path, metavar="FICHIER.json.gz", help="garder ce que fait la référence"
    )
    compare.add_argument("--source", default="", help="d’où vient la référence, dans ce fichier")
    compare.set_defaults(module="compare")


def _twin(commands: Commands, tongue: argparse.ArgumentParser) -> None:
    twin = commands.add_parser("twin", parents=[tongue], help="servir un concentrateur virtuel")
    twin.add_argument("--socket", type=Path, required=True, metavar="CHEMIN")
    twin.add_argument("--usb", type=Path, metavar="LIEN", help="aussi comme carte USB, sur ce lien")
    twin.add_argument("--gnss", type=Path, metavar="LIEN", help="récepteur GNSS, sur ce lien")
    twin.add_argument("--sensors", type=int, default=0, help="capteurs alentour (temps réel seulement)")
    twin.add_argument("--eui", default="0016c001f12a3b4c")
    twin.add_argument("--model", choices=("sx1302", "sx1303"), default="sx1302")
    twin.add_argument("--board", choices=TWIN_BOARDS, default="rak2287", help="sa table de puissance")
    twin.add_argument("--temperature", type=float, default=25.5)
    twin.add_argument("--virtual-time", action="store_true", help="le temps suit le bus")
    twin.add_argument("--reset-on-close", action="store_true")
    twin.add_argument("--fault", action="append", default=[], choices=TWIN_FAULTS, metavar="PANNE")
    twin.set_defaults(module="twin_server")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
