"""A work order's states, how long it holds, and since when its acceptance makes a gateway count; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any

from agent.wire.acceptance import AcceptanceRecord, CheckVerdict, Conclusion
from agent.wire.messages import TimeQuality
from fleet.durations import DAY_US
from fleet.errors import InputRefused
from fleet.lang.paris import instant_us
from fleet.registry.model import AgreementKind

VALID_DAYS = 30
"""Days after the planned one (DESIGN §9): backhaul may come weeks later."""
EXTENSION_LIMIT_DAYS = 365
AHEAD_LIMIT_DAYS = 3 * 365
"""Days from now to the planned one at most: a year that was typed wrong is no plan."""
NEEDED_PAPERS = (AgreementKind.OWNER, AgreementKind.ABF)
"""Without these nobody drills (MISSION, "The deployment"); where ABF has no say, that is noted as given."""


class OrderRefused(InputRefused):
    """An order that cannot be made, scanned, extended or revoked; ``key`` has the sentence."""

    @property
    def field(self) -> str:
        """The field that it is about: what the English sentence begins with."""
        return str(self).partition(":")[0]


class OrderState(StrEnum):
    """From its making to the acceptance that ends it; the first that matches, from the bottom up."""

    TO_SCAN = "to_scan"
    """For any box: one must be scanned before flashing."""
    READY = "ready"
    EXPIRED = "expired"
    ENROLLED = "enrolled"
    """Its token was used: the gateway has its certificate."""
    REVOKED = "revoked"
    ACCEPTED = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What the state of an order follows from."""

    eui: str | None
    valid_until_us: int
    enrolled: bool
    revoked: bool
    accepted: bool


def state_of(order: OrderFacts, now_us: int) -> OrderState:
    """Return the state of an order."""
    for state, holds in (
        (OrderState.ACCEPTED, order.accepted),
        (OrderState.REVOKED, order.revoked),
        (OrderState.ENROLLED, order.enrolled),
        (OrderState.EXPIRED, order.valid_until_us <= now_us),
        (OrderState.TO_SCAN, order.eui is None),
    ):
        if holds:
            return state
    return OrderState.READY


def valid_until_us(planned_on: str, now_us: int) -> int:
    """Return until when an order holds: 30 days after the planned day, or after today if that is later.

    Raises:
        OrderRefused: the planned day is none, or lies years ahead.
    """
    today_us = now_us
    if planned_on:
        planned_us = _planned_us(planned_on)
        if planned_us is None or planned_us > now_us + AHEAD_LIMIT_DAYS * DAY_US:
            why = f"planned_on: {planned_on!r} is no day such as 2026-11-30 of the next three years"
            raise OrderRefused(why, key="orders.refused.day")
        today_us = max(now_us, planned_us + DAY_US)
    return today_us + VALID_DAYS * DAY_US


def _planned_us(planned_on: str) -> int | None:
    """Return when a day begins in Paris; None: it is none."""
    try:
        return instant_us(datetime.combine(date.fromisoformat(planned_on), time()))
    except ValueError:
        return None


def missing_papers(papers: Iterable[Any]) -> tuple[AgreementKind, ...]:
    """Return the agreements that nobody has given; ``papers``: rows of ``agreements`` of one site."""
    given = {paper["kind"] for paper in papers if paper["given_on"]}
    return tuple(kind for kind in NEEDED_PAPERS if kind not in given)


def counts_from_us(record: AcceptanceRecord, *, made_at_us: int, received_at_us: int) -> int:
    """Return since when the gateway counts.

    From the signature, if the backhaul was proved then and the gateway knew the time; else from when the
    record came: that it came proves the backhaul.
    """
    proved = any(one.check == "backhaul" and one.verdict is CheckVerdict.GOOD for one in record.findings)
    dated = record.time_quality != TimeQuality.UNTRUSTED
    plausible = made_at_us <= record.signed_at_us <= received_at_us
    return record.signed_at_us if proved and dated and plausible else received_at_us


def concluded(record: AcceptanceRecord) -> bool:
    """Return whether the record concludes what its findings say; one that says otherwise is not ours."""
    verdicts = {one.verdict for one in record.findings}
    if not record.findings or verdicts & {CheckVerdict.BAD, CheckVerdict.WAITING}:
        return False
    reserved = CheckVerdict.RESERVED in verdicts
    return record.conclusion is (Conclusion.WITH_RESERVES if reserved else Conclusion.ACCEPTED)
