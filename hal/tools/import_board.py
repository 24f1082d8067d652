"""``passerelle hal import FILE``: a ``global_conf.json`` as a board that the agent accepts too, line by line.

The board file goes where ``radio.board`` of a gateway's configuration and ``--board`` find it by its name.
"""

import os
import tempfile
from argparse import Namespace
from pathlib import Path

from hal.board_files import Pins, imported_board, names, read_board, semtech_choice
from hal.board_import import Fate, Line, board_toml, lines
from hal.errors import OurMistake
from hal.tools.words import words


def run(options: Namespace) -> int:
    """Import one file; 0 when the board is there."""
    text = words(options.lang)
    choice, value = semtech_choice(options.file)
    settings, pins = choice.settings, choice.board.pins
    if options.reset_pin is not None:
        pins = Pins(sx1302_reset=options.reset_pin)
    toml = board_toml(options.name, value, settings, pins)
    for each in lines(value, settings):
        print(line(each, text))
    path = write(imported_board(options.name), toml)
    read_board(options.name)
    print(text["import_done"].format(name=options.name, path=path, pin=pins.sx1302_reset))
    return 0


def line(each: Line, text: dict[str, str]) -> str:
    """Return one line for people."""
    mark = "+" if each.fate is Fate.TAKEN else "-"
    return f"{mark} {each.path} = {each.value}{text['colon']}{text[f'import_{each.fate}']}"


def write(path: Path, toml: str) -> Path:
    """Put the board file down, whole or not at all.

    Raises:
        OurMistake: the folder cannot be written, or the name is a board's that needs no file.
    """
    if path.stem in names():
        raise OurMistake(f"{path.stem} is a board that needs no file", where="--name")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False, encoding="utf-8") as fresh:
            fresh.write(toml)
            fresh.flush()
            os.fsync(fresh.fileno())
        Path(fresh.name).chmod(0o644)
        Path(fresh.name).replace(path)
    except OSError as error:
        raise OurMistake(f"cannot be written: {error.strerror}", where=str(path)) from error
    return path
