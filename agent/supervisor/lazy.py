"""A concentrator that is opened when it is started: a missing device is a radio that is OFF, not a crash."""

from collections.abc import Callable

from hal.errors import LineFailed
from hal.packets import ConcentratorStatus, ReceivedFrame, Transmission, TxState
from hal.ports import Concentrator
from hal.units import Micros


class LazyConcentrator:
    """Opens on ``start``; every other call before that says that the line is not there."""

    def __init__(self, opening: Callable[[], Concentrator]) -> None:
        self._opening = opening
        self._inner: Concentrator | None = None

    def _open(self) -> Concentrator:
        if self._inner is None:
            raise LineFailed("not started", where="concentrator")
        return self._inner

    @property
    def eui(self) -> str:
        return self._open().eui

    def start(self) -> None:
        if self._inner is None:
            self._inner = self._opening()
        self._inner.start()

    def stop(self) -> None:
        if self._inner is not None:
            self._inner.stop()

    def receive(self) -> list[ReceivedFrame]:
        return self._open().receive()

    def transmit(self, transmission: Transmission) -> None:
        self._open().transmit(transmission)

    def tx_state(self, rf_chain: int) -> TxState:
        return self._open().tx_state(rf_chain)

    def abort(self, rf_chain: int) -> None:
        self._open().abort(rf_chain)

    def status(self) -> ConcentratorStatus:
        return self._open().status()

    def counter_us(self) -> Micros:
        return self._open().counter_us()

    def trigger_counter_us(self) -> Micros:
        return self._open().trigger_counter_us()

    def temperature_c(self) -> float | None:
        return self._open().temperature_c()
