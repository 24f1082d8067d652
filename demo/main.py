"""Run the demo from its options: the live one with its pages, or a replay that ends with counts."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Generator
from contextlib import contextmanager, suppress

import uvicorn

from demo.child import ChildFailed
from demo.control.page import control_app
from demo.field import Field
from demo.options import Options
from demo.ports import free_port
from demo.replay import Replay
from demo.world import Say, World
from fleet.lang.i18n import t

CHECK_S = 1.0
LISTEN_LOOK_S = 0.02
SWITCH_S = 0.0005
"""Thread slice of this process: the chips answer their buses from threads, and Python's 5 ms would show."""


async def run(options: Options, say: Say) -> int:
    """Run until done, stopped, or broken; return the exit status."""
    sys.setswitchinterval(SWITCH_S)
    world = World(options, say)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        return await _until(stop, _play(world, options, say))
    except ChildFailed as error:
        say(str(error))
        return 1
    finally:
        await world.close()


async def _until(stop: asyncio.Event, work: Coroutine[None, None, int]) -> int:
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        return 0
    return working.result()


async def _play(world: World, options: Options, say: Say) -> int:
    await world.open()
    say(t("fr", "demo.enrolling"))
    await world.accept_as_they_serve()
    say(t("fr", "demo.ready", count=len(world.rigs)))
    if options.frames is not None:
        return await _replay(world, options, say)
    return await _live(world, options, say)


async def _live(world: World, options: Options, say: Say) -> int:
    field = world.field = Field(world.rigs, sensors=options.sensors, seed=options.seed)
    world.lns.devices.update(field.devices())
    field.open()
    control = _control(world)
    serving = asyncio.ensure_future(control.serve())
    while not control.started and not serving.done():
        await asyncio.sleep(LISTEN_LOOK_S)
    try:
        if not options.headless:
            say(t("fr", "demo.control", url=f"http://127.0.0.1:{control.config.port}/"))
            say(t("fr", "demo.stop"))
        await _watch(world, options.duration_s)
    finally:
        field.close()
        control.should_exit = True
        await serving
    return 0


def _control(world: World) -> uvicorn.Server:
    config = uvicorn.Config(control_app(world), host="127.0.0.1", port=free_port(), log_level="warning")
    return _Guest(config)


class _Guest(uvicorn.Server):
    """A server that leaves the signals to the demo."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


async def _watch(world: World, duration_s: float | None) -> None:
    """Return after ``duration_s``, or never.

    Raises:
        ChildFailed: the broker or the fleet manager stopped by itself.
    """
    loop = asyncio.get_running_loop()
    ends_at_s = None if duration_s is None else loop.time() + duration_s
    while ends_at_s is None or loop.time() < ends_at_s:
        world.check_children()
        await asyncio.sleep(CHECK_S)


async def _replay(world: World, options: Options, say: Say) -> int:
    replay = Replay(rigs=world.rigs, lns=world.lns, options=options, say=say)
    await replay.play()
    report = replay.report(world.agent_counts())
    if options.report_json:
        print(report.as_json())
    else:
        say(report.as_table("fr"))
    return 0 if report.whole else 1
