"""Makes a concentrator from command-line options: bus, board, plan and images."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from hal.board_files import BoardChoice, choose
from hal.data_folder import data_folder
from hal.errors import HalError, OurMistake
from hal.microcode import MCU_IMAGE_BYTES, Images
from hal.open import open_concentrator, split_bus, synthetic_images
from hal.settings import Settings, Sx1261Settings
from hal.sx1302.driver import Sx1302

DIRECTORY_VARIABLE = "PASSERELLE_FIRMWARE_DIR"
IMAGE_NAMES = ("agc_sx1250.bin", "arb.bin", "sx1261.bin")
"""``passerelle firmware import`` stores files of these names, and checks that they are Semtech's own."""


def image_directory(named: Path | None) -> Path:
    """Return where the images are: what was named, the environment's word, the usual place."""
    if named is not None:
        return named
    return data_folder("firmware", DIRECTORY_VARIABLE)


def load_images(directory: Path) -> Images:
    """Return the images in ``directory``; the SX1261's patch where it is there.

    Raises:
        OurMistake: one is missing, truncated or damaged.
    """
    agc, arb, sx1261 = (directory / name for name in IMAGE_NAMES)
    return Images(agc=_read(agc), arb=_read(arb), sx1261=_read(sx1261) if sx1261.exists() else None)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MCU_IMAGE_BYTES + 1)
    except OSError as error:
        raise OurMistake(
            f"no firmware image ({error.strerror}); run `passerelle firmware import PATH`", where=str(path)
        ) from error


def images_for(bus: str, directory: Path | None) -> Images:
    """Return the images for a bus: synthetic ones for a virtual chip unless a directory is named."""
    if bus.startswith("socket:") and directory is None:
        return synthetic_images()
    return load_images(image_directory(directory))


def chosen_board(options: Namespace) -> BoardChoice:
    """Return the board and settings that the options name."""
    return choose(options.board, plan=options.plan, public=not options.private)


@contextmanager
def opened(options: Namespace, *, with_sx1261: bool = False) -> Iterator[tuple[Sx1302, BoardChoice]]:
    """Yield the concentrator that the options name, not started yet; it is stopped in the end.

    Raises:
        HalError: an unknown name, missing images, a device that cannot be opened.
    """
    choice = chosen_board(options)
    bus = options.bus or choice.board.bus
    split_bus(bus)
    images = images_for(bus, options.images)
    settings: Settings = choice.settings
    if with_sx1261 and settings.sx1261 is None and images.sx1261 is not None and has_sx1261(bus, choice):
        listening = Sx1261Settings(rssi_offset_db=choice.board.sx1261_rssi_offset_db)
        settings = replace(settings, sx1261=listening)
    concentrator = open_concentrator(bus, options.board, images=images, settings=settings, plan=options.plan)
    try:
        yield concentrator, choice
    except BaseException:
        with suppress(HalError):
            concentrator.stop()
        raise
    concentrator.stop()


def has_sx1261(bus: str, choice: BoardChoice) -> bool:
    """Whether there is a listening radio: a virtual chip always has one."""
    return bus.startswith("socket:") or choice.board.sx1261 is not None
