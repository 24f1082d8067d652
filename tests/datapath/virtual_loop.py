"""An event loop in virtual time: when nothing is left to do, the next timer is due at once."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

from agent.timing.choice import Reading
from agent.wire.messages import TimeQuality
from tests.datapath.virtual import JUNE_2024_US

_Result = TypeVar("_Result")


class _Selector(selectors.DefaultSelector):
    """Waits for no time at all; passes the time instead."""

    passed: Callable[[float], None]

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("nothing is left that could happen")
        if not ready and timeout:
            self.passed(timeout)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now_s = 1.0
        selector = _Selector()
        selector.passed = self._pass
        super().__init__(selector)

    def time(self) -> float:
        return self._now_s

    def _pass(self, duration_s: float) -> None:
        self._now_s += duration_s


def run_virtually(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


class LoopClock:
    """The agent's clock on a virtual loop; ``offset_us`` is what the wall clock believes."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.offset_us = JUNE_2024_US
        self.trusted = TimeQuality.NTP

    def monotonic_us(self) -> int:
        return round(self._loop.time() * 1_000_000)

    def utc_us(self) -> int:
        return self.monotonic_us() + self.offset_us

    def quality(self) -> TimeQuality:
        return self.trusted

    def heard(self, reading: Reading) -> None:
        self.trusted, self.offset_us = reading.quality, reading.utc_minus_monotonic_us


class LoopExecutor(Executor):
    """Does work at once and says so ``delay_s()`` later: what a disk did before anybody knows."""

    def __init__(self, delay_s: Callable[[], float] = lambda: 0.0) -> None:
        self._delay_s = delay_s

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        done.set_running_or_notify_cancel()
        try:
            deliver = partial(done.set_result, work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # as a thread pool does
            deliver = partial(done.set_exception, error)
        delay_s = self._delay_s()
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, deliver)
        else:
            deliver()
        return done
