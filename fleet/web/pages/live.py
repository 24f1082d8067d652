"""The live stream: one server-sent event a cycle, small; a page fetches again only what changed.

    event: cycle   {"at_us": …, "topics": ["network", "tickets"], "values": {"word:EUI": "14:37:05", …}}

``network``: a gateway or commune changed state; ``figures``: figures caught up with it, or half a minute went
by; ``tickets``: the tickets' trail grew.  Words of every second (last word, counters) go as texts in the
person's language.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any, Final

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from sqlalchemy import func, select

from agent.wire.messages import Heartbeat
from fleet.configurations.status import statuses
from fleet.live.feed import FeedFull, LiveUpdate
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.tickets.tables import ticket_events
from fleet.web.process_parts import person_now
from fleet.web.visit import Viewing, Visit

router = APIRouter()
STREAM_PATH: Final = "/vivant"
"""What a proxy before us passes on as it comes."""
FIGURES_EACH_US: Final = 30_000_000
"""While an outage lasts, budgets shrink: open pages look again so often."""
COUNTERS_EACH: Final = 5
"""Cycles between two looks at the counters of gateways that spoke."""


SPARSE_EACH_US: Final = 10_000_000
"""Between two events without news on a sparse stream; less than ``frame.FROZEN_AFTER_US``."""


PERSON_EACH_US: Final = 10_000_000
"""How often a stream asks whether its reader still may."""


@router.get(STREAM_PATH)
async def stream(visit: Viewing, sparse: bool = False) -> Response:
    """Stream what changes; ``sparse``: without words of every second, for a phone that pays for each byte."""
    return stream_to(visit, sparse=sparse)


def stream_to(visit: Visit, *, sparse: bool) -> Response:
    """Return the stream of one reader; it ends with the session."""
    try:
        subscription = visit.parts.feed.subscribe()
        updates = subscription.__enter__()
    except FeedFull:
        return Response(status_code=503, headers={"Retry-After": "60"})

    async def events() -> AsyncIterator[str]:
        said_us = asked_us = 0
        try:
            story = Story(visit)
            async for update in updates:
                if update.network.at_us - asked_us >= PERSON_EACH_US:
                    asked_us = update.network.at_us
                    if await run_in_threadpool(person_now, visit.request) != visit.person:
                        yield "event: ended\ndata: {}\n\n"
                        return
                event = await run_in_threadpool(story.tell, update)
                if sparse and not (event := thinned(event, said_us)):
                    continue
                said_us = event["at_us"]
                data = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
                yield f"event: cycle\ndata: {data}\n\n"
        finally:
            subscription.__exit__(None, None, None)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


class Story:
    """What one client has been told."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._before: NetworkNow | None = None
        self._trail: int | None = None
        self._spoke: set[str] = set()
        self._owed_us: int | None = None
        self._figures_us = 0

    def tell(self, update: LiveUpdate) -> dict[str, Any]:
        """Return the event of one cycle."""
        update = replace(update, network=self._visit.parts.seen(update.network))
        network, before = update.network, self._before
        self._before = network
        topics = []
        if update.lagged or (before is not None and differs(before, network)):
            topics.append("network")
            self._owed_us = network.at_us
        topics += self._figures(network.at_us)
        if self._tickets_grew():
            topics.append("tickets")
        return {"at_us": network.at_us, "topics": topics, "values": self._values(update, before)}

    def _figures(self, now_us: int) -> list[str]:
        """Return whether figures are worth another look: they caught up with a change, or time went by."""
        past_us = self._visit.past.at_us
        caught_up = self._owed_us is not None and past_us >= self._owed_us
        if not caught_up and 0 <= now_us - self._figures_us < FIGURES_EACH_US:
            return []
        first = self._figures_us == 0
        self._figures_us = now_us
        if caught_up:
            self._owed_us = None
        return [] if first and not caught_up else ["figures"]

    def _tickets_grew(self) -> bool:
        with self._visit.database.read() as connection:
            newest = connection.scalar(select(func.max(ticket_events.c.id))) or 0
        grew = self._trail is not None and newest != self._trail
        self._trail = newest
        return grew

    def _values(self, update: LiveUpdate, before: NetworkNow | None) -> dict[str, str]:
        if before is None:
            return {}
        words = self._visit.words
        spoke = spoken(before.gateways, update.network.gateways)
        self._spoke.update(spoke)
        values = {f"word:{eui}": words.clock(at_us, seconds=True) for eui, at_us in spoke.items()}
        if update.cycle % COUNTERS_EACH == 0 and self._spoke:
            with self._visit.database.read() as connection:
                event = statuses(connection, sorted(self._spoke))
            self._spoke.clear()
            for eui, stand in event.items():
                if stand.heartbeat is not None:
                    values |= self._counters(eui, stand.heartbeat)
        return values

    def _counters(self, eui: str, beat: Heartbeat) -> dict[str, str]:
        number = self._visit.words.number
        return {
            f"received:{eui}": number(beat.received),
            f"delivered:{eui}": number(beat.delivered),
            f"stored:{eui}": number(beat.spool_records),
        }


def thinned(event: dict[str, Any], said_us: int) -> dict[str, Any]:
    """Return an event without the words of every second; empty when it can be left out."""
    if not event["topics"] and event["at_us"] - said_us < SPARSE_EACH_US:
        return {}
    return event | {"values": {}}


def spoken(before: Mapping[str, GatewayNow], after: Mapping[str, GatewayNow]) -> dict[str, int]:
    """Return the gateways with a newer last word, and when it came."""
    found = {}
    for eui, one in after.items():
        if one.last_word_us is not None and (
            eui not in before or before[eui].last_word_us != one.last_word_us
        ):
            found[eui] = one.last_word_us
    return found


def differs(before: NetworkNow, after: NetworkNow) -> bool:
    """Return whether a state changed that a page shows; a newer last word alone is no change."""
    if before.blind is not after.blind:
        return True
    return _gateways(before) != _gateways(after) or _communes(before) != _communes(after)


def _gateways(network: NetworkNow) -> dict[str, tuple[object, ...]]:
    def seen(one: GatewayNow) -> tuple[object, ...]:
        return (
            one.state,
            one.since_us,
            one.proved,
            one.suspect,
            one.incoherent,
            one.cause,
            one.config_version,
        )

    return {eui: seen(one) for eui, one in network.gateways.items()}


def _communes(network: NetworkNow) -> dict[str, tuple[object, ...]]:
    def seen(one: CommuneNow) -> tuple[object, ...]:
        return (one.state, one.members, one.serving)

    return {insee: seen(one) for insee, one in network.communes.items()}
