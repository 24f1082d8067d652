"""« Puis-je la couper ? »: the oracle's answer for one gateway, to a technician before a plug is pulled.

Who suffers depends on neighbours: the whole network is asked, also for somebody with a territory.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from fleet.durations import SECOND_US
from fleet.facts.months import Window
from fleet.facts.states import GatewayState
from fleet.live.model import GatewayNow, NetworkNow
from fleet.rollouts.asking import ask
from fleet.safety.absences import VISIT_LIMIT_US
from fleet.safety.model import REPAIR_LIMITS, Answer, SafetyLimits
from fleet.safety.words import degraded_in_words, refusal_in_words
from fleet.web.visit import Viewing, Visit

router = APIRouter()
STALE_US = 90 * SECOND_US
"""Older knowledge of the network answers nothing: as long as it takes to confirm a loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswer:
    """Yes, no or unknown, in words."""

    key: str
    """The sentence says ``stop.yes``, ``stop.idle``, ``stop.no`` or ``stop.unknown``."""
    reasons: list[str]
    """Who would suffer, or would be worse off though allowed."""

    @property
    def is_yes(self) -> bool:
        """Whether it may be switched off."""
        return self.key in ("stop.yes", "stop.idle")


def network_of(visit: Visit) -> NetworkNow:
    """Return the whole network, for the oracle alone."""
    return (visit.parts.whole or visit.parts).network


def asked(visit: Visit, euis: Iterable[str], window: Window, limits: SafetyLimits = REPAIR_LIMITS) -> Answer:
    """Return what the oracle says of these gateways."""
    whole = visit.parts.whole or visit.parts
    with whole.database.read() as connection:
        found = ask(connection, whole.network, visit.contract, euis=list(euis), window=window, limits=limits)
    return found.answer


def refusals_in_words(visit: Visit, answer: Answer) -> list[str]:
    """Return the reasons against it; gateways that the asker does not see go by their EUI."""
    names = {one.eui: one.name for one in visit.network.gateways.values()}
    return [refusal_in_words(visit.lang, one, names) for one in answer.refusals]


def answer_of(visit: Visit, eui: str, length_us: int = VISIT_LIMIT_US) -> StopAnswer:
    """Return whether the gateway may be switched off now, for so long."""
    network = network_of(visit)
    now: GatewayNow | None = network.gateways.get(eui)
    if now is None or visit.now_us - network.at_us > STALE_US:
        return StopAnswer(key="stop.unknown", reasons=[])
    answer = asked(visit, [eui], Window(visit.now_us, visit.now_us + length_us))
    if not answer.is_yes:
        return StopAnswer(key="stop.no", reasons=refusals_in_words(visit, answer))
    worse = [degraded_in_words(visit.lang, one) for one in answer.degraded]
    return StopAnswer(key="stop.yes" if now.state is GatewayState.SERVING else "stop.idle", reasons=worse)


@router.get("/passerelles/{eui}/couper", response_class=HTMLResponse)
def may_it_stop(eui: str, visit: Viewing) -> HTMLResponse:
    """Answer whether a technician may switch the gateway off."""
    gateway = visit.network.gateways.get(eui)
    if gateway is None:
        raise HTTPException(404)
    with visit.database.read() as connection:
        return visit.page(
            "pages/stop.html",
            connection,
            gateway=gateway,
            answer=answer_of(visit, eui),
            limit_us=VISIT_LIMIT_US,
            at_us=network_of(visit).at_us,
            action="",
        )
