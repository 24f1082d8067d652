"""A rollout over virtual gateways: some are offline, fail, or say nothing; the real machine decides."""

import random
from dataclasses import dataclass, field, replace

from fleet.durations import HOUR_US, MINUTE_US
from fleet.rollouts.choice import choose, kept
from fleet.rollouts.machine import advance
from fleet.rollouts.model import (
    OPEN_STATES,
    ActKind,
    Hold,
    Judgement,
    Observed,
    Rollout,
    RolloutSettings,
    RolloutState,
    Seen,
    Situation,
    Step,
    WaveState,
)
from fleet.rollouts.plan import plan_rollout
from fleet.safety.absences import rollout_absences
from fleet.safety.view import SafetyView
from passerelle.benches.rollout.topology import Topology

START_US = 1_796_000_000_000_000
SETTLED_US = 6 * MINUTE_US
AWAY_US = 2 * MINUTE_US
"""How long a gateway is away while it changes."""


@dataclass(slots=True, kw_only=True)
class Fate:
    """What a gateway does with the version."""

    fails: bool = False
    """It rolls back by itself."""
    silent: bool = False
    offline_until_us: int = 0


@dataclass(slots=True, kw_only=True)
class World:
    """Gateways, and one rollout over them."""

    topology: Topology
    fates: dict[str, Fate]
    rollout: Rollout
    name: str = "essai"
    now_us: int = START_US
    changed_at_us: dict[str, int] = field(default_factory=dict)
    reverted: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    issued: list[str] = field(default_factory=list)
    judgement: Judgement = Judgement.FINE
    looks: int = 0
    standing: SafetyView
    """What does not change with who serves: members and sensors."""

    def serving(self) -> set[str]:
        """Return who serves at this instant."""
        return {
            eui
            for eui, fate in self.fates.items()
            if fate.offline_until_us <= self.now_us
            and self.now_us - self.changed_at_us.get(eui, -AWAY_US) >= AWAY_US
        }

    def run(self, until_us: int) -> None:
        """Look again and again until the rollout is over or the time is up."""
        while self.rollout.state in OPEN_STATES and self.now_us < until_us:
            self.look()
            soaking = self.rollout.wave_state is WaveState.SOAKING
            calm = soaking and self.rollout.state is RolloutState.RUNNING
            busy = any(one.step in (Step.APPLYING, Step.REVERTING) for one in self.rollout.steps.values())
            self.now_us += HOUR_US if calm else MINUTE_US if busy else 10 * MINUTE_US

    def look(self) -> None:
        """Take one step of the machine, carry out what it wants, and check the rule of redundancy."""
        serving = self.serving()
        self.looks += 1
        view = replace(self.standing, network=self.topology.network(serving, self.now_us))
        observed = {eui: self._observed(eui, serving) for eui in self.rollout.steps}
        steps = self.rollout.steps.values()
        under_way = [one for one in steps if one.step in (Step.APPLYING, Step.REVERTING)]
        absences = list(rollout_absences((one.eui, one.since_us, self.name) for one in under_way))
        choice = choose(self.rollout, observed, view, absences, self.now_us)
        situation = Situation(
            now_us=self.now_us,
            observed=observed,
            may_begin=choice.may_begin,
            refused_why={eui: kept(one) for eui, one in choice.refused.items()},
            judgement=self.judgement,
        )
        self.rollout, acts = advance(self.rollout, situation)
        for act in acts:
            self.changed_at_us[act.eui] = self.now_us
            if act.kind is ActKind.REVERT:
                self.reverted.add(act.eui)
            else:
                self.issued.append(act.eui)
        if acts:
            self.violations += lost_by(view, serving, self.serving())

    def _observed(self, eui: str, serving: set[str]) -> Observed:
        fate, at_us = self.fates[eui], self.changed_at_us.get(eui)
        offline = fate.offline_until_us > self.now_us
        seen = Seen.NOTHING
        if at_us is not None and self.now_us - at_us >= SETTLED_US and not offline:
            bad = eui not in self.reverted
            seen = Seen.ROLLED_BACK if bad and fate.fails else Seen.WORKING
            seen = Seen.NOTHING if bad and fate.silent else seen
        return Observed(seen=seen, serving=eui in serving, hold=Hold.OFFLINE if offline else Hold.NONE)


def lost_by(view: SafetyView, before: set[str], after: set[str]) -> list[str]:
    """Return communes and sensors of several gateways that somebody served before and nobody serves after.

    Written without the oracle: a second reading of its rule.
    """
    lost = [
        commune.insee
        for commune in view.network.communes.values()
        if before.intersection(commune.members) and not after.intersection(commune.members)
    ]
    return lost + [
        f"{group.insee} {group.euis}"
        for group in view.coverages
        if len(group.euis) > 1 and before.intersection(group.euis) and not after.intersection(group.euis)
    ]


def make_world(
    topology: Topology,
    seed: int,
    *,
    offline: float = 0.05,
    failing: float = 0.01,
    settings: RolloutSettings | None = None,
) -> World:
    """Return a world in which a share of the gateways is offline for hours or days, and a share fails."""
    chance = random.Random(seed)  # noqa: S311 a seed that gives the same again
    settings = settings or RolloutSettings()
    fates = {
        eui: Fate(
            fails=chance.random() < failing,
            offline_until_us=START_US + chance.randrange(96) * HOUR_US if chance.random() < offline else 0,
        )
        for eui in topology.euis
    }
    serving = {eui for eui, fate in fates.items() if fate.offline_until_us <= START_US}
    view = topology.view(serving, START_US)
    plan = plan_rollout("essai", topology.euis, view, settings)
    rollout = Rollout(
        waves=tuple(one.wave for one in plan.waves),
        wave_since_us=START_US,
        since_us=START_US,
        steps=plan.steps,
        settings=settings,
    )
    return World(topology=topology, fates=fates, rollout=rollout, standing=view)
