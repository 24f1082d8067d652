"""One call from a bus's name and a board's name to a concentrator that can be started.

    spi:/dev/spidev0.0   the board's own chip select, its I2C bus and its pins
    usb:/dev/ttyACM0     the MCU bridge of a USB board
    socket:PATH          a virtual chip (``passerelle hal twin``)

Device libraries are imported only for the bus that is asked for.
"""

from collections.abc import Callable
from contextlib import ExitStack

from hal import thermometer
from hal.board_files import Board, choose
from hal.errors import OurMistake
from hal.microcode import Images
from hal.ports import HalClock
from hal.settings import Settings
from hal.sx1302.driver import Sx1302
from hal.wiring import Wiring

NO_IMAGES = "no firmware images; run `passerelle firmware import PATH` with Semtech's release"


def open_concentrator(
    bus: str,
    board: str,
    *,
    images: Images | None = None,
    settings: Settings | None = None,
    plan: str = "EU868",
    public: bool = True,
    clock: HalClock | None = None,
) -> Sx1302:
    """Return the concentrator on ``bus``; nothing has moved on the bus yet.

    ``settings`` replaces those of board and plan.  On a socket bus, images that are not given are the
    virtual chip's synthetic ones.

    Raises:
        OurMistake: an unknown bus, board or plan, or no images.
        LineFailed: the device cannot be opened.
    """
    kind, path = split_bus(bus)
    chosen = choose(board, plan=plan, public=public)
    if images is None:
        if kind != "socket":
            raise OurMistake(NO_IMAGES, where="images")
        images = synthetic_images()
    wiring = _OPENERS[kind](path, chosen.board, clock or _system_clock())
    return Sx1302(wiring, chosen.settings if settings is None else settings, images)


def split_bus(bus: str) -> tuple[str, str]:
    """Return the kind of a bus and where it is.

    Raises:
        OurMistake: a kind that there is not, or no place.
    """
    kind, _, path = bus.partition(":")
    if kind not in _OPENERS or not path:
        raise OurMistake(f"{bus!r} is not spi:DEVICE, usb:DEVICE or socket:PATH", where="bus")
    return kind, path


def synthetic_images() -> Images:
    """Return the images that the virtual chip recognises."""
    from hal.twin import images

    return Images(agc=images.synthetic_agc(), arb=images.synthetic_arb(), sx1261=images.synthetic_sx1261())


def _system_clock() -> HalClock:
    from hal.linux.clock import SystemClock

    return SystemClock()


def _socket(path: str, _: Board, clock: HalClock) -> Wiring:
    from hal.twin.lines.client import SocketBus

    bus = SocketBus(path)
    pulse = bus.reset

    def reset() -> None:
        pulse(0)
        pulse(1)

    return Wiring(
        bus=bus,
        clock=_ToldClock(clock, bus.delay_ns),
        sx1261=bus.sx1261,
        reset=reset,
        find_thermometer=lambda: thermometer.find(bus),
    )


class _ToldClock:
    """A clock whose sleeps are also told to a virtual chip, whose own time may follow them."""

    def __init__(self, clock: HalClock, tell_ns: Callable[[int], None]) -> None:
        self._clock = clock
        self._tell_ns = tell_ns

    def sleep(self, seconds: float) -> None:
        self._tell_ns(round(seconds * 1e9))
        self._clock.sleep(seconds)

    def monotonic_us(self) -> int:
        return self._clock.monotonic_us()


def _spi(path: str, board: Board, clock: HalClock) -> Wiring:
    from hal.linux import buses, gpio

    with ExitStack() as opened:
        bus = buses.SpiBus(path)
        opened.callback(bus.close)
        listener = None if board.sx1261 is None else buses.SpiBus(board.sx1261)
        if listener is not None:
            opened.callback(listener.close)
        wire = None if board.i2c is None else buses.I2cBus(board.i2c)
        if wire is not None:
            opened.callback(wire.close)
        return Wiring(
            bus=bus,
            clock=clock,
            sx1261=listener,
            reset=gpio.ResetLines(board.pins, clock).reset,
            find_thermometer=None if wire is None else lambda: thermometer.find(wire),
            close=opened.pop_all().close,
        )


def _usb(path: str, board: Board, clock: HalClock) -> Wiring:
    from hal.linux import tty
    from hal.usb import bridge

    link = bridge.UsbBridge(tty.SerialLine(path))
    return Wiring(
        bus=link,
        clock=clock,
        sx1261=link.sx1261 if board.sx1261 == "usb" else None,
        reset=link.reset,
        find_thermometer=lambda: link,
    )


_OPENERS: dict[str, Callable[[str, Board, HalClock], Wiring]] = {
    "socket": _socket,
    "spi": _spi,
    "usb": _usb,
}
