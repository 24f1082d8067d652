"""The deferred figure: BUFFERING counts as served where delivery is proved (AVAILABILITY §6).

An instant of BUFFERING is made good by a ``Delivered`` that covers it, was acknowledged within the limit and
dropped nothing; one that dropped a frame over the same instant takes that back.  The times of a ``Delivered``
are the gateway's own: they are believed only for a boot of which a heartbeat was believed.
"""

from dataclasses import replace

from fleet.availability.timeline import Timeline
from fleet.facts.intervals import Interval, intersect, normal, subtract
from fleet.facts.model import GatewayFacts
from fleet.facts.settings import ContractSettings
from fleet.facts.states import GatewayState


def made_good(facts: GatewayFacts, settings: ContractSettings) -> list[Interval]:
    """Return when everything that was received is proved to have been delivered in time."""
    believed = {run.boot for run in facts.runs if run.trusted}
    contractual = {run.contractual for run in facts.runs}
    clean: list[Interval] = []
    dropped: list[Interval] = []
    for one in facts.delivered:
        if one.boot not in believed or one.connector not in contractual:
            continue
        if one.dropped:
            dropped.append((one.received_from_us, one.received_until_us))
            continue
        in_time_us = one.acked_at_us - settings.deferred_limit_us
        clean.append((max(one.received_from_us, in_time_us), one.received_until_us))
    return subtract(normal(clean), normal(dropped))


def deferred(line: Timeline, facts: GatewayFacts, settings: ContractSettings) -> Timeline:
    """Return the timeline with BUFFERING taken out where it was made good."""
    good = made_good(facts, settings)
    if not good:
        return line
    exceptions = []
    for span in line.exceptions:
        if span.state is not GatewayState.BUFFERING or not intersect([(span.start_us, span.end_us)], good):
            exceptions.append(span)
            continue
        rest = subtract([(span.start_us, span.end_us)], good)
        exceptions += [replace(span, start_us=start, end_us=end) for start, end in rest]
    return Timeline(eui=line.eui, start_us=line.start_us, end_us=line.end_us, exceptions=tuple(exceptions))
