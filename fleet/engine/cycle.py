"""What the engine does within one transaction: decide what the network is at an instant, or store a batch.

    batch   sort → store → remember
    cycle   our clock → refresh (what people changed) → sight → quarantines → network → incidents
              → network, where losses were charged to us → retention → envelopes

Nothing here changes what it was given: the outcome holds the state that stands once the commit is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Update

from fleet.broker.received import Received
from fleet.clock import Clock, processor_ns
from fleet.configurations import commands, reconcile
from fleet.engine.clocks import Instant, look_at_clocks
from fleet.engine.state import EngineState, restored_state
from fleet.evidence import facts, quarantines, store, vitals
from fleet.evidence.acknowledgement import Progress, settle
from fleet.evidence.allowance import UNUSED
from fleet.evidence.blindness import Closed, Eyes, Opened, step
from fleet.evidence.ingest import Sorter
from fleet.evidence.quarantine import DEFAULT_BOUND, Quarantine, QuarantineBound
from fleet.facts.months import month_of
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import GatewayState
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy
from fleet.live.memory import GatewayMemory, Memory
from fleet.live.model import NetworkNow
from fleet.live.network import NetworkView
from fleet.live.restore import restore_unsure
from fleet.registry.model import Status
from fleet.registry.store import load_registry, put_in_service
from fleet.response import cycle as incidents
from fleet.retention import SWEEP_EVERY_US, Retention, sweep
from fleet.rollouts.look import Looking, carry_out
from fleet.rollouts.requests import WeighedRequest, run_requests
from fleet.rollouts.weighing import LOOK_EVERY_US, NOTHING, Weighed

REFRESH_EVERY_US = 1_000_000
REFRESH_REST = 20
"""What people change is looked for every second, or twenty times what the look took."""
IN_SERVICE_LIMIT = 200
"""Gateways that come into service in one look; the others in the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What decisions are made by; the same for the life of the process."""

    signing: Ed25519PrivateKey
    contract: ContractSettings = DEFAULTS
    retention: Retention = Retention()
    escalation: EscalationPolicy = DEFAULT_POLICY
    quarantine: QuarantineBound = DEFAULT_BOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Senses:
    """What a cycle perceives beside the database."""

    instant: Instant
    last_echo_monotonic_us: int | None
    """When the newest canary came back."""
    broker_error: str
    arrived: Sequence[Update] = ()
    """Notes that the broker has an envelope."""
    weighed: Weighed = NOTHING
    """What rollouts and permits would do next, read before the transaction."""
    requests: tuple[WeighedRequest, ...] = ()
    """Approved pushes that are due, weighed before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleOutcome:
    """What a cycle decided, once its transaction is committed."""

    state: EngineState
    network: NetworkNow
    sight_change: Opened | Closed | None
    shift_us: int
    """By how much our clock follows the host's."""


def run_cycle(
    connection: Connection, state: EngineState, senses: Senses, terms: Terms, clock: Clock
) -> CycleOutcome:
    """Decide what the network is now, write what follows, and return the state that comes of it."""
    state, shift_us = look_at_clocks(connection, state, senses.instant, terms.contract)
    instant = senses.instant.shifted(shift_us)
    now_us = instant.now_us
    if month_of(now_us) != state.month:
        state = restored_state(connection, terms.contract, state, now_us)
    if instant.monotonic_us >= state.refresh_due_us:
        state = _refreshed(connection, state, now_us, clock)
    state, change = _looked(connection, state, senses, terms.contract, instant)
    state = _with_quarantines(connection, state, terms.contract, now_us)
    view, network = _seen(state, now_us)
    decided = incidents.run(
        connection, network, now_us, terms.escalation, terms.contract, cause_of=view.cause_of
    )
    if decided and facts.suspicions_changed(connection, now_us):
        state = replace(state, memory=_with_people(connection, state))
        view, network = _seen(state, now_us)
    if instant.monotonic_us >= state.sweep_due_us and state.timekeeping.quality.is_sure:
        sweep(connection, terms.retention, now_us)
        state = replace(state, sweep_due_us=instant.monotonic_us + SWEEP_EVERY_US)
    reconcile.confirm_working(connection, terms.signing, state.memory, now_us)
    looking = Looking(
        connection=connection, key=terms.signing, network=network, contract=terms.contract, now_us=now_us
    )
    run_requests(looking, senses.requests)
    carry_out(looking, senses.weighed)
    if senses.weighed.permits is not None:
        state = replace(state, permits_due_us=instant.monotonic_us + LOOK_EVERY_US)
    for statement in senses.arrived:
        connection.execute(statement)
    facts.mark(connection, facts.LAST_CYCLE, now_us)
    return CycleOutcome(
        state=replace(state, view=replace(view, network=network)),
        network=network,
        sight_change=change,
        shift_us=shift_us,
    )


def _seen(state: EngineState, now_us: int) -> tuple[NetworkView, NetworkNow]:
    """Return the network as the state proves it, and the view that the next cycle starts from."""
    view, network = state.view.seen(
        state.registry,
        state.memory,
        state.sight,
        blind_reason=state.blind.reason if state.blind else "",
        now_us=now_us,
    )
    spared = state.recent.suspects(now_us)
    return view, replace(network, clock=state.timekeeping.quality, spared=spared)


def _refreshed(connection: Connection, state: EngineState, now_us: int, clock: Clock) -> EngineState:
    """Take what people changed: registry, acceptance, works, statements."""
    began_us = clock.monotonic_us()
    put_in_service(connection, _seen_serving(state), now_us=now_us)
    registry = load_registry(connection)
    memory = _with_people(connection, state)
    ended_us = clock.monotonic_us()
    return replace(
        state,
        registry=state.registry if registry == state.registry else registry,
        memory=memory,
        refresh_due_us=ended_us + max(REFRESH_EVERY_US, REFRESH_REST * (ended_us - began_us)),
    )


def _with_people(connection: Connection, state: EngineState) -> Memory:
    """Return the memory with what people, and suspicions of our changes, say at present."""
    return state.memory.with_people(
        facts.load_commissioning(connection),
        facts.load_maintenances(connection, state.from_us),
        facts.load_statements(connection, state.from_us),
    )


def _seen_serving(state: EngineState) -> list[str]:
    """Return the accepted gateways that the newest cycle saw serving."""
    network = state.view.network
    if network is None:
        return []
    shown = network.gateways
    return [
        eui
        for eui, gateway in state.registry.gateways.items()
        if gateway.status is Status.ACCEPTED and eui in shown and shown[eui].state is GatewayState.SERVING
    ][:IN_SERVICE_LIMIT]


def _looked(
    connection: Connection, state: EngineState, senses: Senses, settings: ContractSettings, instant: Instant
) -> tuple[EngineState, Opened | Closed | None]:
    """Return the state that knows whether we see."""
    since_us = instant.utc_us(state.seen_since_monotonic_us)
    assert since_us is not None
    eyes = Eyes(
        since_us=since_us,
        last_echo_us=instant.utc_us(senses.last_echo_monotonic_us),
        blind=state.blind is not None,
        reason=senses.broker_error,
    )
    change = step(eyes, instant.now_us)
    if change is None:
        return state, None
    facts.store_sight(connection, change, instant.now_us)
    return replace(state, sight=facts.load_blindness(connection, state.from_us, settings)), change


def _with_quarantines(
    connection: Connection, state: EngineState, settings: ContractSettings, now_us: int
) -> EngineState:
    """Return the state in which each quarantine is written, and those are gone that are over."""
    held = {eui: one.quarantine for eui, one in state.memory.gateways.items() if one.quarantine is not None}
    if not held:
        return state
    stored, changed, edges = quarantines.load_open(connection), dict[str, GatewayMemory](), False
    for eui, one in held.items():
        known = state.memory.of(eui)
        if one.number is not None and eui not in stored:
            changed[eui], edges = known.changed(quarantine=None, allowance=UNUSED), True
        elif now_us >= one.ends_us:
            quarantines.end(connection, eui, who="", now_us=now_us)
            changed[eui], edges = known.changed(quarantine=None), True
        elif one.number is None:
            number = quarantines.begin(connection, eui, one, now_us)
            changed[eui], edges = known.changed(quarantine=replace(one, number=number)), True
        elif _grew(one, stored[eui]):
            quarantines.grow(connection, one)
    memory = state.memory.with_gateways(changed)
    sight = facts.load_blindness(connection, state.from_us, settings) if edges else state.sight
    return replace(state, memory=memory, sight=sight)


def _grew(one: Quarantine, stored: Quarantine) -> bool:
    return (one.refused, one.beyond_us) != (stored.refused, stored.beyond_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBatch:
    """What became of a batch, once its transaction is committed."""

    state: EngineState
    refused: int
    settled: tuple[Progress, ...]
    """Journals to acknowledge to their gateways."""
    desired: Sequence[Received]
    """What the broker retains for gateways."""


def store_messages(
    connection: Connection, state: EngineState, batch: Sequence[Received], terms: Terms
) -> StoredBatch:
    """Store a batch and return the state that knows it."""
    memory = state.memory
    sorter = Sorter(
        memory.gateways,
        state.registry.gateways,
        terms.contract,
        state.timekeeping.cut_us,
        processor_ns,
        state.recent,
        terms.quarantine,
    )
    rows = sorter.sort(batch)
    store.store_batch(connection, rows, vitals.rows_of(connection, rows.vitals))
    settled: tuple[Progress, ...] = ()
    if rows.journal or rows.gone or rows.announced or rows.given_up:
        settled = settle(connection, rows)
    if rows.replies:
        commands.note_replies(connection, rows.replies)
    unheard = sum(number for number, _ in rows.unheard.values())
    after = memory.with_batch(rows)
    if unsure := memory.unsure(rows):
        after = restore_unsure(connection, after, unsure, state.from_us, terms.contract)
    return StoredBatch(
        state=replace(state, memory=after, recent=rows.recent),
        refused=len(rows.refused) + unheard,
        settled=settled,
        desired=rows.desired,
    )


def refuse_message(connection: Connection, message: Received, error: Exception) -> None:
    """Keep a message that no transaction takes, so that it stops no other."""
    store.store_refused(connection, [(message, f"cannot be stored: {error}")])
    store.count(connection, {"refused": 1})
