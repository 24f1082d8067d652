"""``passerelle hal twin --socket PATH``: a virtual concentrator for other processes."""

import logging
from argparse import Namespace
from contextlib import ExitStack

from hal.errors import OurMistake
from hal.linux.stop_signal import StopSignal
from hal.tools.words import words
from hal.twin.__main__ import main as site
from hal.twin.chip import VirtualChip
from hal.twin.clock import RealClock, VirtualClock
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303
from hal.twin.faults import Mcu
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import GnssReceiver
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.server import TwinServer
from hal.twin.lines.usb_mcu import UsbMcu
from hal.twin.parts.power import BOARDS
from hal.twin.parts.thermometer import Thermometer
from hal.twin.reception.fifo_render import FrontEnd

MODELS = {"sx1302": MODEL_SX1302, "sx1303": MODEL_SX1303}
TORN_READS = 1000
BIT_ERROR_EVERY_BYTES = 10_000


def run(options: Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    if options.sensors:
        return _inhabited(options)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    chip = VirtualChip(
        eui=_eui(options.eui),
        model=MODELS[options.model],
        clock=VirtualClock() if options.virtual_time else RealClock(),
        thermometer=Thermometer(temperature_c=options.temperature),
        front_end=FrontEnd(tx_power_dbm=BOARDS[options.board]),
    )
    for name in options.fault:
        break_something(chip, name)
    with StopSignal() as stop, ExitStack() as served:
        serve(chip, options, served)
        print(words(options.lang)["serving"].format(eui=chip.eui, path=options.socket), flush=True)
        stop.wait_for_ever()
    return 0


def _inhabited(options: Namespace) -> int:
    """Serve a whole site, with sensors that speak; what happens is written as JSON lines."""
    if options.virtual_time or options.fault or options.reset_on_close:
        raise OurMistake("go with a chip alone: no faults, virtual time or reset on close", where="--sensors")
    arguments = ["--socket", str(options.socket), "--eui", _eui(options.eui), "--model", options.model]
    arguments += ["--sensors", str(options.sensors), "--board", options.board]
    for name, path in (("--usb", options.usb), ("--gnss", options.gnss)):
        arguments += [] if path is None else [name, str(path)]
    return site(arguments)


def serve(chip: VirtualChip, options: Namespace, served: ExitStack) -> None:
    """Serve the chip on its socket and, where asked, on pseudo-terminals; ``served`` ends it all.

    Raises:
        OurMistake: a path that cannot be served.
    """
    try:
        served.enter_context(TwinServer(chip, options.socket, reset_on_close=options.reset_on_close))
        if options.usb is not None:
            served.enter_context(PseudoTerminal(UsbMcu(chip).feed, link=options.usb))
        if options.gnss is not None:
            served.enter_context(GnssLine(chip, GnssReceiver(), link=options.gnss))
    except OSError as error:
        raise OurMistake(f"cannot be served: {error.strerror}", where=str(options.socket)) from error


def _eui(text: str) -> str:
    try:
        raw = bytes.fromhex(text)
    except ValueError:
        raw = b""
    if len(raw) != 8:
        raise OurMistake(f"{text!r} is not 16 hex digits", where="--eui")
    return raw.hex()


def break_something(chip: VirtualChip, name: str) -> None:
    """Throw the switch of one named fault."""
    faults = chip.faults
    match name:
        case "mcu-silent":
            faults.silent_mcus = {Mcu.AGC, Mcu.ARB}
        case "dead-bus":
            faults.dead_bus = 0xFF
        case "calibration":
            faults.radio_calibration_fails = {0, 1}
        case "bit-errors":
            faults.spi_bit_error_every_bytes = BIT_ERROR_EVERY_BYTES
        case "torn-reads":
            faults.torn_counter_reads = faults.torn_fifo_counts = TORN_READS
        case _:
            setattr(faults, name.replace("-", "_"), True)
