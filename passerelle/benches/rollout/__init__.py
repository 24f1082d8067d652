"""`passerelle bench rollout`: plans, the oracle, whole rollouts, the judge; about seven minutes.

``PASSERELLE_BENCH_TOPOLOGIES=100000`` runs all the random networks that are asked for, in hours; the default
runs fewer and says so. Messages and bytes a gateway are those of one change: the signed version, its
permit and confirmation, and the gateway's reports, as they go over the broker.

Networks are drawn from a seed (``topology``). Gateways of a rollout are virtual; the machine, the oracle
and the judge are those of service (``world``, ``judged``). A second reading of the rule of redundancy
counts what a whole rollout lost (``world.lost_by``).
"""

import gc
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, sparse_configuration
from agent.wire.envelope import Envelope, EnvelopeKind, encode_envelope, seal
from agent.wire.messages import ConfigReported, ConfigState, encode
from agent.wire.topics import COMMAND, CONFIG_DESIRED, CONFIG_REPORTED, topic
from fleet.durations import DAY_US, MINUTE_US
from fleet.facts.months import Window
from fleet.rollouts.model import RolloutSettings, RolloutState, Step
from fleet.rollouts.plan import Plan, plan_rollout
from fleet.safety.model import Question
from fleet.safety.oracle import most_with, ok_to_stop
from packages.build import ROOT
from packages.release import our_files, pack
from passerelle.benches.rollout.judged import CANARIES, CONTROLS, PLANTED, Loss, halts
from passerelle.benches.rollout.topology import Topology, make_topology
from passerelle.benches.rollout.world import START_US, World, make_world
from passerelle.figures import Figure

GATEWAYS, COMMUNES = 1_615, 539
MANY_GATEWAYS, MANY_COMMUNES = 20_000, 6_675
QUESTIONS = 300
MOST = 200
TOPOLOGIES_VARIABLE = "PASSERELLE_BENCH_TOPOLOGIES"
TOPOLOGIES, TOPOLOGIES_ASKED = 2_000, 100_000
"""Random networks of 10 to 40 gateways with a whole rollout each."""
MESSAGES_TARGET, BYTES_TARGET = 6, 8_192
"""Ours, not the issue's, which asks for the figures alone."""
RELEASE_TARGET = 2_000_000
BAD_ROLLOUTS = 40
SEEDS = 1_000
SETTINGS = RolloutSettings()
END_US = START_US + 60 * DAY_US
ORDINARY_SEED = 17
EUI = "0016c001f1000001"


def measure() -> list[Figure]:
    """Return every figure."""
    topology = make_topology(ORDINARY_SEED, GATEWAYS, COMMUNES)
    return [
        *_plans(topology),
        *_questions(topology),
        _violations(),
        _bad_configurations(),
        _whole(topology),
        *_judged(),
        *_traffic(),
        _usual_release(),
    ]


def _plans(topology: Topology) -> list[Figure]:
    plan_s, plan = _planned(topology)
    many_s, _ = _planned(make_topology(ORDINARY_SEED, MANY_GATEWAYS, MANY_COMMUNES))
    batches = sum(len(wave.batches) for wave in plan.waves)
    least = sum(wave.least_batches for wave in plan.waves)
    held = sum(len(wave.held) for wave in plan.waves)
    return [
        Figure(name="plan", value=plan_s, unit="s", target=1, how=f"{GATEWAYS} gateways; processor time"),
        Figure(name="plan at scale", value=many_s, unit="s", target=15, how=f"{MANY_GATEWAYS} gateways"),
        Figure(
            name="batches",
            value=batches,
            unit="batches",
            target=None,
            how=f"fewer than {least} cannot be: cliques of the waves, summed; {held} gateways may not go",
        ),
    ]


def _planned(topology: Topology) -> tuple[float, Plan]:
    view = topology.view(set(topology.euis), START_US)
    gc.collect()
    began = time.process_time()
    plan = plan_rollout("essai", topology.euis, view, SETTINGS)
    return time.process_time() - began, plan


def _questions(topology: Topology) -> list[Figure]:
    """The oracle, at its slowest of each kind of question."""
    chance = random.Random(ORDINARY_SEED)  # noqa: S311 a seed that gives the same again
    view = topology.view(set(topology.euis), START_US)
    window = Window(START_US, START_US + 10 * MINUTE_US)
    one_s, most_s = [], []
    for eui in chance.sample(topology.euis, QUESTIONS):
        question = Question(euis=(eui,), window=window)
        began = time.process_time()
        answer = ok_to_stop(view, question)
        one_s.append(time.process_time() - began)
        if answer.is_yes:
            others = [other for other in topology.euis if other != eui]
            began = time.process_time()
            most_with(view, question, candidates=others, most=MOST)
            most_s.append(time.process_time() - began)
    return [
        _question("oracle, one gateway", one_s, 5, f"{len(one_s)} questions"),
        _question("oracle with --max", most_s, 50, f"{len(most_s)} questions, up to {MOST} others"),
    ]


def _question(name: str, taken_s: list[float], target_ms: float, what: str) -> Figure:
    slow_s = statistics.quantiles(taken_s, n=20)[-1]
    how = f"{what}, {GATEWAYS} gateways; 95th percentile of processor time, worst {1e3 * max(taken_s):.1f} ms"
    return Figure(name=name, value=1e3 * slow_s, unit="ms", target=target_ms, how=how)


def _violations() -> Figure:
    count = int(os.environ.get(TOPOLOGIES_VARIABLE, TOPOLOGIES))
    lost, looks = lost_in(range(count))
    short = "" if count >= TOPOLOGIES_ASKED else f", not the {TOPOLOGIES_ASKED} asked ({TOPOLOGIES_VARIABLE})"
    return Figure(
        name="violations of the redundancy rule",
        value=lost,
        unit="losses",
        target=0,
        how=f"{count} random networks and orders of events{short}; {looks} looks",
    )


def lost_in(seeds: Iterable[int]) -> tuple[int, int]:
    """Return how many communes and sensors lost their last gateway by random rollouts, and in how many looks.

    Half of them stop and go back at a few failures, half go on.
    """
    lost = looks = 0
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 a seed that gives the same again
        gateways = chance.randrange(10, 41)
        topology = make_topology(seed, gateways, max(2, gateways // 3), known=chance.random())
        failed_max_ppm = chance.choice((SETTINGS.failed_max_ppm, 1_000_000))
        settings = RolloutSettings(canary_gateways=2, failed_max_ppm=failed_max_ppm)
        world = make_world(topology, seed, offline=0.15, failing=0.1, settings=settings)
        world.run(END_US)
        lost += len(world.violations)
        looks += world.looks
    return lost, looks


def _bad_configurations() -> Figure:
    beyond = 0
    for seed in range(BAD_ROLLOUTS):
        topology = make_topology(seed, 60, 25)
        world = make_world(topology, seed, offline=0.05, failing=1.0)
        world.run(END_US)
        waves = {world.rollout.steps[eui].wave for eui in world.issued}
        back = world.rollout.state is RolloutState.ROLLED_BACK and set(world.issued) <= world.reverted
        beyond += waves != {0} or not back
    return Figure(
        name="bad configurations that went beyond the canaries",
        value=beyond,
        unit="rollouts",
        target=0,
        how=f"of {BAD_ROLLOUTS} in which it fails on every gateway; each must be halted and taken back",
    )


def _traffic() -> list[Figure]:
    messages = _messages_of_a_change()
    how = ", ".join(f"{name} {len(payload)}" for name, payload in messages)
    whole = sum(len(topic(EUI, name)) + len(payload) for name, payload in messages)
    return [
        Figure(
            name="messages a gateway", value=len(messages), unit="messages", target=MESSAGES_TARGET, how=how
        ),
        Figure(
            name="bytes a gateway",
            value=whole,
            unit="bytes",
            target=BYTES_TARGET,
            how="topics and payloads of one change of a server's address, MQTT and TLS apart",
        ),
    ]


def _usual_release() -> Figure:
    """Return what a gateway fetches when our code alone changed: libraries of the lock are there already."""
    packed = pack(our_files(ROOT, version("passerelle")))
    return Figure(
        name="bytes of a usual release",
        value=len(packed),
        unit="bytes",
        target=RELEASE_TARGET,
        how="our own code as one part; the signed lists, a few kB, apart",
    )


def _messages_of_a_change() -> list[tuple[str, bytes]]:
    """Return what goes over the broker for one change of one gateway: (topic's end, payload)."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    lns = ConnectorConfig(
        name="lns", kind="chirpstack_mqtt", host="lns2.example.fr", port=8883, contractual=True
    )
    fleet = FleetConfig(host="fleet.example.fr", port=8883)
    content = sparse_configuration(Configuration(connectors=(lns,), fleet=fleet, permit_needed=True))

    def sealed(kind: EnvelopeKind, payload: bytes) -> bytes:
        bare = Envelope(
            kind=kind,
            device=EUI,
            version=2,
            issued_at_us=START_US,
            expires_at_us=START_US + DAY_US,
            retry=False,
            payload=payload,
            signature=b"",
        )
        return encode_envelope(seal(bare, key))

    sha256 = "0" * 64
    states = (ConfigState.WAITING, ConfigState.TRIAL, ConfigState.CONFIRMED)
    reports = [
        encode(
            ConfigReported(version=2, sha256=sha256, state=state, seen_version=2, reason="", at_us=START_US)
        )
        for state in states
    ]
    return [
        (CONFIG_DESIRED, sealed(EnvelopeKind.CONFIGURATION, content)),
        (f"{COMMAND}/permit-1", sealed(EnvelopeKind.PERMIT, sha256.encode())),
        (f"{COMMAND}/confirmation-1", sealed(EnvelopeKind.CONFIRMATION, sha256.encode())),
        *((CONFIG_REPORTED, report) for report in reports),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    wrong: int
    steps: Counter[Step]


def _whole(topology: Topology) -> Figure:
    world = make_world(topology, ORDINARY_SEED)
    began = time.process_time()
    world.run(END_US)
    taken_s = time.process_time() - began
    plan = plan_rollout("essai", topology.euis, topology.view(set(topology.euis), START_US), SETTINGS)
    held = {eui for wave in plan.waves for eui in wave.held}
    ends = _ends(world, held)
    counts = ", ".join(f"{count} {step}" for step, count in sorted(ends.steps.items()))
    days = (world.now_us - START_US) / DAY_US
    state = world.rollout.state
    how = (
        f"{counts}; {state} after {days:.0f} virtual days, {world.looks} looks, {taken_s:.0f} s of processor"
    )
    wrong = ends.wrong + len(world.violations) + (state is not RolloutState.DONE)
    name = "gateways in a wrong state after a whole rollout"
    return Figure(name=name, value=wrong, unit="gateways", target=0, how=how)


def _ends(world: World, held: set[str]) -> _Ends:
    """Return how many gateways are elsewhere than their fate says; who is needed is left aside."""
    wrong = 0
    for eui, one in world.rollout.steps.items():
        if world.fates[eui].fails:
            right = one.step is Step.FAILED and eui in world.reverted
        else:
            right = one.step is Step.DONE and eui not in world.reverted
        wrong += not right and not (one.step is Step.SKIPPED and eui in held)
    return _Ends(wrong=wrong, steps=Counter(one.step for one in world.rollout.steps.values()))


def _judged() -> list[Figure]:
    calm = sum(halts(seed, Loss.NONE) for seed in range(SEEDS))
    caught = sum(halts(seed, Loss.FRAMES) for seed in range(SEEDS))
    how = f"{SEEDS} seeds; a canary wave of {CANARIES} beside {CONTROLS}, 24 looks; noise: ``judged``"
    return [
        Figure(name="false halts", value=100 * calm / SEEDS, unit="%", target=1, how=how),
        Figure(
            name=f"planted loss of {PLANTED:.0%} of frames caught",
            value=100 * caught / SEEDS,
            unit="%",
            target=95,
            better="higher",
            how=how,
        ),
    ]
