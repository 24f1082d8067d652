"""How quickly a downlink is judged, and how late one may come and still be on air."""

import asyncio
import statistics
import time
from collections.abc import Callable

from hal.twin.emission import Emission
from passerelle.benches.agent.rig import Bench, bench
from passerelle.figures import Figure

VERDICTS = 40
LEADS_MS = (60, 50, 46, 44, 42, 41, 40, 39, 38, 37, 36, 35, 34, 32, 30)
TRIES = 3
"""Downlinks per lead; a lead counts as kept when every one of them is on air."""
ANSWER_LIMIT_S = 1.0
ON_AIR_S = 0.15
"""A downlink of one byte at SF7 lasts 26 ms."""


async def downlinks() -> list[Figure]:
    """Measure verdicts and leads."""
    async with bench() as made:
        verdict = await verdict_ms(made)
        lead = await smallest_lead_ms(made)
    return [
        Figure(
            name="verdict on a downlink, median",
            value=verdict,
            unit="ms",
            target=2,
            how="PULL_RESP to TX_ACK",
        ),
        Figure(
            name="smallest lead of a downlink",
            value=lead,
            unit="ms",
            target=40,
            how=f"PULL_RESP to start on air, {TRIES} of {TRIES} taken and heard",
        ),
    ]


async def verdict_ms(made: Bench) -> float:
    """Return the median time from PULL_RESP to TX_ACK."""
    for _ in range(VERDICTS):
        made.servers[0].ask()
        await asyncio.sleep(ON_AIR_S)
    return 1000 * statistics.median(made.servers[0].verdicts)


async def smallest_lead_ms(made: Bench) -> float | None:
    """Return the smallest lead at which every try was on air; None when none was."""
    heard: list[Emission] = []
    made.chip.on_emission = heard.append
    smallest = None
    for lead_ms in LEADS_MS:
        tries = [await _on_air(made, heard, lead_ms) for _ in range(TRIES)]
        if not all(tries):
            break
        smallest = float(lead_ms)
    return smallest


async def _on_air(made: Bench, heard: list[Emission], lead_ms: float) -> bool:
    """Ask for a downlink so long ahead; return whether it was taken and then on air."""
    server = made.servers[0]
    made.sent.clear()
    made.inject(1)
    data, injected_at = next(iter(made.sent.items()))
    await _until(lambda: data in server.tmst)
    emissions, answers = len(heard), len(server.acks)
    elapsed_us = (time.perf_counter() - injected_at) * 1e6
    server.ask(server.tmst[data] + int(elapsed_us + lead_ms * 1000))
    await _until(lambda: len(server.acks) > answers)
    await asyncio.sleep(ON_AIR_S)
    return server.acks[-1] == "NONE" and len(heard) > emissions


async def _until(condition: Callable[[], bool]) -> None:
    deadline = time.perf_counter() + ANSWER_LIMIT_S
    while not condition() and time.perf_counter() < deadline:
        await asyncio.sleep(0.001)
