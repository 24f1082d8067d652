"""``decide(facts, now_us)``: what to do about the network's losses; pure.

A loss is *confirmed* when the contract's ``silence_confirmed_us`` have passed since the last proof of life;
suspicion alone opens nothing.  Confirmed losses join the incident that explains them, else open one.  Members
return by proof only (SERVING); an incident ends when all have served for ``STABLE_US`` and none flaps; the
same gateway lost again within ``REOPEN_WINDOW_US`` opens it again instead of a second one, but only if the
new losses have the same cause and reach: a power cut after a cut of the network server is another fault.
UNKNOWN (our own blindness, proved) neither opens nor ends anything.

A change of ours is the first suspect; once a power cut is proved of all its losses, they are explained anew
(``revised``), also after their end.

When the shared cause is over and some stay lost, each remaining cause becomes its own: the operator is back,
three villages are not.  After most have been back for ``LEFT_BEHIND_US`` the rest is explained anew.

Sources: DESIGN §7 ("joins and splits as evidence comes"); AVAILABILITY §2 (states), §4 (blindness).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from fleet.durations import MINUTE_US, SECOND_US
from fleet.facts.states import LOST_STATES, GatewayState
from fleet.incidents import quarantine
from fleet.incidents.causes import attributions, compatible
from fleet.incidents.correlate import explain, possible
from fleet.incidents.criticality import grade
from fleet.incidents.flaps import flapping, open_flaps, regrades
from fleet.incidents.gather import gather, silent
from fleet.incidents.model import (
    Action,
    Attribute,
    Domain,
    End,
    Explain,
    Facts,
    Fail,
    Incident,
    IncidentState,
    Leave,
    Member,
    Recover,
    Split,
)
from fleet.live.model import NetworkNow

STABLE_US = 30 * SECOND_US
"""How long members serve before people are told that it is over: one heartbeat interval."""

REOPEN_WINDOW_US = 30 * MINUTE_US
"""A loss of the same gateway and cause within this time belongs to the incident that just ended."""


@dataclass(frozen=True, slots=True)
class _View:
    """Incidents by gateway."""

    open_by_eui: dict[str, Incident]
    """The one where it fails; else one that it is back in and whose cause its state does not contradict."""
    ended_by_eui: dict[str, Incident]


def confirmed(network: NetworkNow, silence_confirmed_us: int, now_us: int) -> dict[str, int]:
    """Return the gateways whose loss is confirmed, with the start of the loss."""
    return {
        eui: gateway.since_us
        for eui, gateway in network.gateways.items()
        if gateway.state in LOST_STATES and now_us - gateway.since_us >= silence_confirmed_us
    }


def unexplained(facts: Facts, now_us: int) -> bool:
    """Return whether a confirmed loss has no incident yet."""
    losses, _ = quarantine.parted(facts.incidents)
    known = {
        member.eui
        for incident in losses
        if incident.state is IncidentState.OPEN
        for member in incident.failing
    }
    return bool(confirmed(facts.network, facts.silence_confirmed_us, now_us).keys() - known)


def decide(facts: Facts, now_us: int) -> tuple[Action, ...]:
    """Return what to write down, in order."""
    losses, quarantines = quarantine.parted(facts.incidents)
    mine = quarantine.decide(quarantines, facts.network, now_us)
    return (*_of_losses(replace(facts, incidents=losses), now_us), *mine)


def _of_losses(facts: Facts, now_us: int) -> tuple[Action, ...]:
    lost = confirmed(facts.network, facts.silence_confirmed_us, now_us)
    view = _view(facts, lost)
    flaps = flapping(facts)
    actions: list[Action] = [*revised(facts)]
    if not lost and not flaps and not view.open_by_eui:
        return (*actions, *_ends(facts, view, flaps, now_us))
    actions += _members(facts, lost, view)
    new = {eui: since for eui, since in lost.items() if eui not in view.open_by_eui}
    for again in _again(facts, new, view, now_us):
        actions.append(again)
        new = {eui: since for eui, since in new.items() if eui not in {one.eui for one in again.members}}
    if new:
        actions += gather(facts, new, now_us)
    actions += open_flaps(facts, flaps - view.open_by_eui.keys() - lost.keys())
    actions += divide(facts, flaps, now_us)
    actions += attributions(facts)
    actions += regrades(facts, flaps)
    actions += _ends(facts, view, flaps, now_us)
    return tuple(actions)


def _view(facts: Facts, lost: Mapping[str, int]) -> _View:
    view = _View({}, {})
    for incident in facts.incidents:
        if incident.state is IncidentState.OPEN:
            for member in incident.members.values():
                if member.restored_us is None:
                    view.open_by_eui[member.eui] = incident
                elif member.eui not in lost or _goes_on(incident, member.eui, facts.network):
                    view.open_by_eui.setdefault(member.eui, incident)
        elif incident.state is IncidentState.ENDED:
            view.ended_by_eui.update(dict.fromkeys(incident.members, incident))
    return view


def _goes_on(incident: Incident, eui: str, network: NetworkNow) -> bool:
    """Return whether a member that is lost again may be so by the incident's cause."""
    gateway = network.gateways[eui]
    alone = incident.cause.domain is Domain.GATEWAY
    if not alone and incident.cause not in possible(gateway, network):
        return False
    return compatible(incident.proved, gateway.cause)


def _members(facts: Facts, lost: dict[str, int], view: _View) -> Iterator[Action]:
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN:
            continue
        back, fallen, gone = [], [], []
        for member in incident.members.values():
            gateway = facts.network.gateways.get(member.eui)
            if gateway is None or gateway.state is GatewayState.OUT:
                gone.append(member.eui)
            elif member.restored_us is None and gateway.state is GatewayState.SERVING:
                back.append(replace(member, restored_us=max(gateway.since_us, member.since_us)))
            elif (
                member.restored_us is not None
                and member.eui in lost
                and view.open_by_eui.get(member.eui) is incident
            ):
                fallen.append(Member(eui=member.eui, since_us=lost[member.eui]))
        if back:
            yield Recover(incident_id=incident.id, members=tuple(back))
        if fallen:
            yield Fail(incident_id=incident.id, members=tuple(fallen))
        if gone:
            yield Leave(incident_id=incident.id, euis=tuple(gone), reason="withdrawn")


def _again(facts: Facts, new: Mapping[str, int], view: _View, now_us: int) -> Iterator[Fail]:
    """Yield the incidents that go on: the same members, now explained by the same cause."""
    if not view.ended_by_eui.keys() & new.keys():
        return
    network = facts.network
    overdue = silent(network, now_us).items()
    pool = {eui: at_us for eui, at_us in overdue if eui not in view.open_by_eui} | dict(new)
    causes = {eui: part.cause for part in explain(pool, network) for eui in part.euis}
    fallen: dict[int, list[Member]] = {}
    for eui, since_us in new.items():
        incident = view.ended_by_eui.get(eui)
        if incident is None or causes[eui] != incident.cause:
            continue
        if compatible(incident.proved, network.gateways[eui].cause):
            fallen.setdefault(incident.id, []).append(Member(eui=eui, since_us=since_us))
    for incident_id, members in fallen.items():
        yield Fail(incident_id=incident_id, members=tuple(members))


def _ends(facts: Facts, view: _View, flaps: frozenset[str], now_us: int) -> Iterator[Action]:
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN or incident.failing:
            continue
        if flaps.intersection(incident.members):
            continue
        restored = [
            member.restored_us for member in incident.members.values() if member.restored_us is not None
        ]
        at_us = max(restored, default=now_us)
        serving = all(
            facts.network.gateways[eui].state is GatewayState.SERVING
            for eui in incident.members
            if eui in facts.network.gateways and view.open_by_eui.get(eui, incident) is incident
        )
        if serving and (not restored or now_us - at_us >= STABLE_US):
            yield End(incident_id=incident.id, at_us=at_us)


LEFT_BEHIND_US = 15 * MINUTE_US
"""Long enough for a reboot after a power cut, a slow 4G network and a backlog of reconnections."""

MOSTLY_BACK = 0.5
"""Share of the members that must be back."""


def divide(facts: Facts, flaps: frozenset[str], now_us: int) -> Iterator[Explain | Split]:
    """Yield what becomes of those whom the others left behind."""
    for incident in facts.incidents:
        if incident.state is not IncidentState.OPEN or incident.cause.domain is Domain.GATEWAY:
            continue
        if flaps.intersection(incident.members) or not _left_behind(incident, now_us):
            continue
        yield from _remaining_causes(facts, incident)


def revised(facts: Facts) -> Iterator[Explain | Attribute]:
    """Yield the causes of incidents that were blamed on a change of ours until another cause was proved."""
    for incident in facts.incidents:
        if incident.cause.domain is not Domain.WAVE or not incident.members:
            continue
        if not incident.members.keys() <= facts.turned_out.keys() & facts.network.gateways.keys():
            continue
        starts = {eui: member.since_us for eui, member in incident.members.items()}
        part = explain(starts, _as_proved(facts, starts))[0]
        yield Explain(incident_id=incident.id, cause=part.cause, reason="proved")
        yield Attribute(incident_id=incident.id, proved=facts.turned_out[next(iter(starts))])


def _as_proved(facts: Facts, euis: Iterable[str]) -> NetworkNow:
    gateways = facts.network.gateways
    proved = {eui: replace(gateways[eui], cause=facts.turned_out[eui], wave="") for eui in euis}
    return replace(facts.network, gateways=gateways | proved)


def _left_behind(incident: Incident, now_us: int) -> bool:
    back = [one.restored_us for one in incident.members.values() if one.restored_us is not None]
    if not back or not incident.failing or len(back) < MOSTLY_BACK * len(incident.members):
        return False
    return now_us - max(back) >= LEFT_BEHIND_US


def _remaining_causes(facts: Facts, incident: Incident) -> Iterator[Explain | Split]:
    failing = {one.eui: one.since_us for one in incident.failing if one.eui in facts.network.gateways}
    first = True
    for part in explain(failing, facts.network):
        if first:
            first = False
            if part.cause != incident.cause:
                yield Explain(incident_id=incident.id, cause=part.cause, reason="left behind")
            continue
        members = tuple(Member(eui=eui, since_us=failing[eui]) for eui in part.euis)
        yield Split(
            incident_id=incident.id,
            cause=part.cause,
            members=members,
            grade=grade(facts.network, part.euis),
            reason="left behind",
        )
