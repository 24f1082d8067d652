"""The watchdog is fed while event loop and radio thread both answer, and only then."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from agent.observation import DataPathState
from agent.supervisor.watch import Watchdog
from agent.wire.messages import Radio
from hal.errors import LineFailed
from tests.datapath.virtual import ManualClock, VirtualConcentrator

pytestmark = pytest.mark.anyio


class World:
    """A service manager that counts, and a radio thread that answers, fails or hangs."""

    def __init__(self, *, radio: Radio, answer: Callable[["Future[Any]"], None]) -> None:
        self.watchdog_s: float | None = 0.003
        self.fed, self.asked = 0, 0
        self.radio, self.answer = radio, answer
        self.chip = VirtualConcentrator(ManualClock())
        self.watchdog = Watchdog(self, snapshot=self.snapshot, on_radio=self.on_radio, radio_answer_s=0.01)

    def working(self) -> None:
        self.fed += 1

    def snapshot(self) -> DataPathState:
        return DataPathState(
            radio=self.radio,
            radio_reason="",
            radio_since_us=0,
            connectors=(),
            spool_records=0,
            spool_accepting=True,
        )

    def on_radio(self, job: Callable[[VirtualConcentrator], bool]) -> "Future[Any]":
        self.asked += 1
        assert job(self.chip)
        future: Future[Any] = Future()
        self.answer(future)
        return future

    async def until(self, condition: Callable[[], bool]) -> None:
        task = asyncio.create_task(self.watchdog.run())
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.001)
        task.cancel()


async def test_a_radio_thread_that_answers_feeds_the_watchdog() -> None:
    world = World(radio=Radio.RECEIVING, answer=lambda future: future.set_result(True))
    await world.until(lambda: world.fed >= 3)
    assert world.asked >= 3


async def test_a_radio_that_answers_with_its_failure_does_not_hang() -> None:
    failure = LineFailed("gone", where="spi")
    world = World(radio=Radio.RECEIVING, answer=lambda future: future.set_exception(failure))
    await world.until(lambda: world.fed >= 3)


async def test_a_radio_thread_that_hangs_starves_the_watchdog() -> None:
    world = World(radio=Radio.RECEIVING, answer=lambda future: None)
    await world.until(lambda: world.asked >= 4)
    assert world.fed == 0


async def test_a_radio_that_is_off_is_not_asked() -> None:
    world = World(radio=Radio.OFF, answer=lambda future: None)
    await world.until(lambda: world.fed >= 3)
    assert world.asked == 0


async def test_where_nothing_watches_nothing_is_fed() -> None:
    world = World(radio=Radio.OFF, answer=lambda future: None)
    world.watchdog_s = None
    await world.watchdog.run()
    assert world.fed == 0
