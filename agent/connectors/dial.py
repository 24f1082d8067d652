"""TCP connections that are there soon after the way is: attempts that overlap instead of waiting in line.

A SYN into a cut is sent again by the kernel after 1, 3 and 7 s; a fresh attempt every 0.7 s finds the way as
soon as it is back.  The first one that gets through is kept, the others are closed.
"""

import asyncio
import socket
from collections.abc import Callable

STAGGER_S = 0.7
"""A second attempt begins after this; longer than the round trip of any backhaul that is not congested."""
DIAL_TIMEOUT_S = 8.0
"""One round of attempts: then the name is resolved again and the failure is counted."""
DOUBTFUL_LOOK_S = 0.25
STANDS_S = 1.0
"""A server that stands and is silent is asked again after this."""


async def dial(host: str, port: int) -> socket.socket:
    """Return a connected socket.

    Raises:
        OSError: refused, no route or no such name; TimeoutError: no answer to any attempt.
    """
    attempts: set[asyncio.Task[socket.socket]] = set()
    turn = 0
    try:
        async with asyncio.timeout(DIAL_TIMEOUT_S):
            while True:
                attempts.add(asyncio.ensure_future(_attempt(host, port, turn)))
                turn += 1
                done, attempts = await asyncio.wait(
                    attempts, timeout=STAGGER_S, return_when=asyncio.FIRST_COMPLETED
                )
                if done:
                    attempts |= done
                    connected = next((task for task in done if task.exception() is None), None)
                    if connected is not None:
                        attempts.discard(connected)
                        return connected.result()
                    next(iter(done)).result()
    finally:
        await _close(attempts)


async def back_after_a_cut(host: str, port: int) -> bool:
    """Return True once the way to a silent server is back; False at once when it was never cut.

    A server that answers the first attempt stands and is slow: its connection is left alone.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            found = await dial(host, port)
        except ConnectionRefusedError:
            return True
        except (OSError, TimeoutError):
            await asyncio.sleep(DOUBTFUL_LOOK_S)
            continue
        found.close()
        return loop.time() - began >= STAGGER_S


async def look_for_a_way(host: str, port: int, doubtful: Callable[[], bool]) -> None:
    """Return once the way of a connection whose server is silent was cut and is back."""
    while True:
        await asyncio.sleep(DOUBTFUL_LOOK_S)
        if doubtful():
            if await back_after_a_cut(host, port):
                return
            await asyncio.sleep(STANDS_S)


async def _attempt(host: str, port: int, turn: int) -> socket.socket:
    """Try the addresses of a name, each attempt beginning with another: one family may lead nowhere."""
    loop = asyncio.get_running_loop()
    error: OSError | None = None
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    first = turn % max(len(found), 1)
    for family, kind, protocol, _, address in found[first:] + found[:first]:
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        try:
            await loop.sock_connect(made, address)
        except OSError as failure:
            made.close()
            error = failure
            continue
        except asyncio.CancelledError:
            made.close()
            raise
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    raise error or OSError(f"{host}: no address")


async def _close(attempts: set[asyncio.Task[socket.socket]]) -> None:
    for task in attempts:
        task.cancel()
    for result in await asyncio.gather(*attempts, return_exceptions=True):
        if isinstance(result, socket.socket):
            result.close()
