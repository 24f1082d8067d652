"""What rollouts and permits would do next, weighed before the engine's transaction; it writes nothing.

    rows + the network of the newest cycle ──▶ observe, choice (oracle), judging, permits ──▶ Weighed
                                                                       ``look`` carries it out

Measuring a wave and indexing who hears whom take a good part of a second; nothing else may write meanwhile if
a transaction is open.  So each decision comes with what it stands on, and is dropped where that changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from agent.wire.configuration import Configuration, ConfigurationError
from agent.wire.reasons import written
from fleet.configurations import store as configurations
from fleet.configurations import working
from fleet.configurations.change import change
from fleet.configurations.knowledge import knowing_release, needs_release
from fleet.durations import SECOND_US
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.absences import load_absences, load_view
from fleet.rollouts.choice import choose, kept
from fleet.rollouts.judge import CONTROL_MIN
from fleet.rollouts.judging import Ruling, control_group, ruled
from fleet.rollouts.machine import advance
from fleet.rollouts.model import Act, ActKind, GatewayStep, Rollout, RolloutState, Situation
from fleet.rollouts.observe import observe, what_holds_all
from fleet.rollouts.permits import Permits, decide_permits
from fleet.rollouts.plan import CANARY
from fleet.rollouts.store import StoredRollout
from fleet.safety.absences import RESTART_US, command_absences, rollout_absences
from fleet.safety.model import Absence, Question
from fleet.safety.oracle import most_with
from fleet.safety.view import SafetyView

LOOK_EVERY_US = 5 * SECOND_US
CONTROLS_LIMIT = CONTROL_MIN + 5
"""Gateways that restart with the canaries: what a verdict needs, and a few that may fall away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What the oracle was asked about: it must still hold when gateways begin."""

    absences: frozenset[Absence] = frozenset()
    blind: bool = False
    states: Mapping[str, tuple[GatewayState, bool] | None]
    """EUI → state and suspicion, of those that begin and of all who stand in for them."""
    members: Mapping[str, tuple[str, ...]]
    """INSEE code → who serves it, of their communes."""

    def holds(self, absences: Iterable[Absence], network: NetworkNow) -> bool:
        """Return whether nothing of it changed."""
        return (
            self.absences == frozenset(absences)
            and self.blind == network.blind
            and self.states == _states(network, self.states)
            and self.members == _members(network, self.members)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What one gateway shall run, or why it cannot."""

    configuration: Configuration | None
    """None: what it would be built on is gone, or makes an invalid whole."""
    refused: str = ""
    """The reason as it is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighedRollout:
    """One rollout, and what is next."""

    before: StoredRollout
    joined: Mapping[str, int]
    """EUI → base version of the gateways that join it."""
    after: Rollout
    acts: tuple[Act, ...]
    wanted: Mapping[str, Wanted]
    """EUI → what its act signs."""
    ruling: Ruling | None
    """What the measurements say; None: nobody asks."""
    controls: tuple[str, ...]
    """Who restarts with the canaries and changes nothing."""
    basis: Basis
    newest: Mapping[str, int]
    """EUI → newest version of the gateways that begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What is to be carried out."""

    rollouts: tuple[WeighedRollout, ...] = ()
    permits: Permits | None = None
    """None: nobody waits, or it was asked a moment ago."""
    permits_basis: Basis | None = None


NOTHING = Weighed()


def weigh(
    connection: Connection,
    network: NetworkNow,
    contract: ContractSettings,
    now_us: int,
    *,
    permits_due: bool = True,
) -> Weighed:
    """Return what each rollout that is due would do, and which waiting changes may begin beside it."""
    due = store.due(connection, now_us - LOOK_EVERY_US)
    waiting = configurations.waiting_changes(connection) if permits_due else []
    if not due and not waiting:
        return NOTHING
    view = load_view(connection, network, contract)
    absences = load_absences(connection, contract, now_us)
    beside, rollouts = list(absences), []
    for number in due:
        stored = store.get(connection, number)
        if stored is not None:
            rollouts.append(_weighed(connection, stored, view, contract, absences, beside, now_us))
            acts, controls = rollouts[-1].acts, rollouts[-1].controls
            beside += rollout_absences([(act.eui, now_us, stored.name) for act in acts])
            beside += command_absences(dict.fromkeys(controls, now_us))
    if not waiting:
        return Weighed(rollouts=tuple(rollouts))
    permits = decide_permits(waiting, configurations.permitted_at_us(connection), view, beside, now_us)
    basis = basis_of(view, [one.eui for one in permits.granted], absences)
    return Weighed(rollouts=tuple(rollouts), permits=permits, permits_basis=basis)


def _weighed(  # noqa: PLR0917 what one look stands on
    connection: Connection,
    before: StoredRollout,
    view: SafetyView,
    contract: ContractSettings,
    absences: list[Absence],
    beside: list[Absence],
    now_us: int,
) -> WeighedRollout:
    network = view.network
    joined = _joined(connection, before, network)
    stored = _with(before, joined)
    rollout = stored.rollout
    observed = observe(connection, stored, network)
    choice = choose(rollout, observed, view, beside, now_us)
    ruling = ruled(connection, stored, network, now_us)
    situation = Situation(
        now_us=now_us,
        observed=observed,
        may_begin=choice.may_begin,
        refused_why={eui: kept(one) for eui, one in choice.refused.items()},
        hold=what_holds_all(rollout, network, contract, now_us),
        judgement=None if ruling is None else ruling.valid,
    )
    after, acts = advance(rollout, situation)
    begin = [act.eui for act in acts]
    controls = _controls(stored, view, acts, beside, now_us)
    return WeighedRollout(
        before=before,
        joined=joined,
        after=after,
        acts=tuple(acts),
        wanted={act.eui: _wanted(connection, stored, act) for act in acts},
        ruling=ruling,
        controls=controls,
        basis=basis_of(view, [*begin, *controls], absences),
        newest=newest_numbers(connection, begin),
    )


def _joined(connection: Connection, stored: StoredRollout, network: NetworkNow) -> dict[str, int]:
    """Return the gateways that got their first configuration meanwhile, with what they would go back to."""
    rollout = stored.rollout
    running = rollout.state is RolloutState.RUNNING and not rollout.wave_is_last_soak
    if not rollout.settings.new_ones_join or not running:
        return {}
    new = working.first_configured_since(connection, stored.created_at_us) & network.gateways.keys()
    found = (working.working_version(connection, eui) for eui in sorted(new - rollout.steps.keys()))
    return {one.eui: one.version for one in found if one is not None}


def _with(stored: StoredRollout, joined: Mapping[str, int]) -> StoredRollout:
    """Return the rollout whose last wave the new gateways join."""
    if not joined:
        return stored
    last = len(stored.rollout.waves) - 1
    steps = {eui: GatewayStep(eui=eui, wave=last) for eui in joined}
    return replace(
        stored,
        base_versions={**stored.base_versions, **joined},
        rollout=replace(stored.rollout, steps={**stored.rollout.steps, **steps}),
    )


def _controls(
    stored: StoredRollout, view: SafetyView, acts: Sequence[Act], absences: Sequence[Absence], now_us: int
) -> tuple[str, ...]:
    """Return who restarts as the first canaries begin; none where the change restarts nobody."""
    rollout, begin = stored.rollout, [act.eui for act in acts if act.kind is ActKind.ISSUE]
    wanted = stored.controls.needed and rollout.settings.judged and rollout.settings.controls_restart
    if not wanted or not begin or stored.controls.restarted or rollout.waves[rollout.wave].name != CANARY:
        return ()
    question = Question(euis=tuple(begin), window=Window(now_us, now_us + RESTART_US))
    candidates = [eui for eui in control_group(rollout, view.network) if eui not in begin]
    limits = rollout.settings.limits
    return most_with(
        view, question, candidates=candidates, most=CONTROLS_LIMIT, absences=absences, limits=limits
    )


def _wanted(connection: Connection, stored: StoredRollout, act: Act) -> Wanted:
    base = working.version_of(connection, act.eui, stored.base_versions[act.eui])
    if base is None:
        return Wanted(configuration=None)
    if act.kind is ActKind.REVERT:
        return Wanted(configuration=base.configuration)
    changes = stored.changes_of(act.eui)
    if needs_release(changes) and not knowing_release(connection, [act.eui]):
        return Wanted(configuration=None)  # one that joined meanwhile, with an older agent
    try:
        return Wanted(configuration=change(base.configuration, changes))
    except ConfigurationError as error:
        return Wanted(configuration=None, refused=written(error.why))


def newest_numbers(connection: Connection, euis: Iterable[str]) -> dict[str, int]:
    """Return the newest version of each gateway, by EUI."""
    return {row["eui"]: row["version"] for row in configurations.desired_rows(connection, euis)}


def basis_of(view: SafetyView, euis: Iterable[str], absences: Iterable[Absence]) -> Basis:
    """Return what the answer about these gateways stands on; of nobody it stands on nothing."""
    begin = list(euis)
    insees = {insee for eui in begin for insee in view.communes_of.get(eui, ())}
    related = {eui for insee in insees for eui in view.commune(insee).members}
    related |= {
        other
        for eui in begin
        for position in view.groups_of.get(eui, ())
        for other in view.coverages[position].euis
    }
    wanted = sorted(related.union(begin))
    return Basis(
        absences=frozenset(absences) if begin else frozenset(),
        blind=view.network.blind if begin else False,
        states=_states(view.network, wanted),
        members=_members(view.network, insees),
    )


def _states(network: NetworkNow, euis: Iterable[str]) -> dict[str, tuple[GatewayState, bool] | None]:
    found = {eui: network.gateways.get(eui) for eui in euis}
    return {eui: None if one is None else (one.state, one.suspect) for eui, one in found.items()}


def _members(network: NetworkNow, insees: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found = {insee: network.communes.get(insee) for insee in insees}
    return {insee: () if one is None else one.members for insee, one in found.items()}
