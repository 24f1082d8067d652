"""A change of a layer is a rollout to the gateways whose merged whole changes; and the drift from layers.

layer + set, unset ──▶ every gateway merged before and after ──▶ those that differ ──▶ start.planned
layers + what gateways run ──▶ drift: desired beside running, with the reason
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import ConfigurationError
from agent.wire.messages import ConfigState
from agent.wire.reasons import Reason
from fleet.approvals.model import TwoPersons
from fleet.configurations import layer_store
from fleet.configurations.change import change, differences, dotted, flatten
from fleet.configurations.layers import (
    About,
    Explained,
    Layer,
    LayerKey,
    LayerRefused,
    Scope,
    VariableMissing,
    check_values,
    choose,
    explain,
    merge,
)
from fleet.configurations.status import ConfigurationStatus, statuses
from fleet.configurations.store import Version
from fleet.configurations.working import working_version, working_versions
from fleet.facts.settings import ContractSettings
from fleet.live.model import NetworkNow
from fleet.rollouts import store
from fleet.rollouts.model import DEFAULT_SETTINGS, RolloutSettings
from fleet.rollouts.start import Proposal, Wish, check_reason, planned, start

NAMED_LIMIT = 5
"""Gateways that a refusal names; the others are counted."""
FAILED_STATES = frozenset({ConfigState.ROLLED_BACK, ConfigState.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerWish:
    """What people want of a layer."""

    key: LayerKey
    set: Mapping[str, str]
    unset: Sequence[str] = ()
    reason: str = ""
    settings: RolloutSettings = DEFAULT_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerProposal:
    """A layer as it would be, and the rollout that follows."""

    layer: Layer
    wish: Wish
    proposal: Proposal | None
    """None: no gateway changes."""


def back_to(connection: Connection, key: LayerKey, version: int, reason: str) -> LayerWish:
    """Return the wish to take a layer back to an earlier version.

    Raises:
        LayerRefused: there is no such version.
    """
    earlier = layer_store.version_of(connection, key, version)
    if earlier is None:
        raise LayerRefused("layer.refused.no_version", layer=str(key), version=version)
    now = layer_store.load_layers(connection)[key].values
    unset = [path for path in now if path not in earlier.values]
    return LayerWish(key=key, set=earlier.values, unset=unset, reason=reason)


def propose_layer(
    connection: Connection, network: NetworkNow, contract: ContractSettings, wanted: LayerWish
) -> LayerProposal:
    """Return the layer as it would be, and the plan of its rollout.

    Raises:
        LayerRefused: nothing changes, an unknown variable, one without value, or a whole that no gateway may
            have; names the gateways.
        RolloutRefused: no reason, or a rollout works on a gateway of it.
    """
    check_reason(wanted.reason)
    layer_store.check_layers(connection)
    layers = layer_store.load_layers(connection)
    before = layers.get(wanted.key, Layer(key=wanted.key, version=0, values={}))
    values = {**before.values, **check_values(wanted.set)}
    for path in map(dotted, wanted.unset):
        if values.pop(path, None) is None:
            raise LayerRefused("layer.refused.unset", layer=str(wanted.key), path=path)
    after = replace(before, version=before.version + 1, values=values)
    if values == before.values:
        raise LayerRefused("layer.refused.nothing", layer=str(wanted.key))
    known = working_versions(connection)
    abouts = layer_store.load_abouts(connection)
    mine = {eui: one for eui, one in known.items() if eui in abouts and abouts[eui].belongs_to(wanted.key)}
    changed = {**layers, wanted.key: after}
    own = _own_changes(mine, abouts, list(layers.values()), list(changed.values()))
    bases = {eui: known[eui].configuration for eui in own}
    touched = {
        eui: found
        for eui, changes in own.items()
        if (found := differences(bases[eui], change(bases[eui], changes)))
    }
    reason = f"{wanted.key} · {wanted.reason.strip()}"
    wish = Wish(changes=dict(wanted.set), reason=reason[:300], settings=wanted.settings)
    proposal = None
    if touched:
        mine_only = {eui: own[eui] for eui in touched}
        proposal = planned(
            connection, network, contract, wish, known=known, touched=touched, own_changes=mine_only
        )
    return LayerProposal(layer=after, wish=wish, proposal=proposal)


def _own_changes(
    known: Mapping[str, Version],
    abouts: Mapping[str, About],
    before: Sequence[Layer],
    after: Sequence[Layer],
) -> dict[str, dict[str, str]]:
    """Return what the layers of each gateway say anew.

    What another layer says and the gateway does not run, because it failed there, is not sent again.
    """
    found: dict[str, dict[str, str]] = {}
    wrong: dict[str, tuple[str, Reason | None, list[str]]] = {}
    for eui, version in known.items():
        try:
            new = merge(version.configuration, after, abouts[eui]).chosen.texts
            old = choose(before, abouts[eui]).texts
            found[eui] = {path: text for path, text in new.items() if old.get(path) != text}
        except VariableMissing as error:
            name = f"{{{error.args[0]}}}"
            wrong.setdefault(name, ("layer.refused.no_value", None, []))[2].append(eui)
        except ConfigurationError as error:
            wrong.setdefault(str(error), ("layer.refused.whole", error.why, []))[2].append(eui)
    for name, (key, why, euis) in wrong.items():
        raise LayerRefused(key, why=why, name=name, gateways=named(euis, abouts), count=len(euis))
    return found


def named(euis: Sequence[str], abouts: Mapping[str, About]) -> str:
    """Return the names of a few gateways."""
    names = [abouts[eui].name or eui for eui in euis[:NAMED_LIMIT]]
    return ", ".join(names) + (", …" if len(euis) > NAMED_LIMIT else "")


def start_layer(
    connection: Connection,
    key: Ed25519PrivateKey,
    rules: TwoPersons,
    wanted: LayerProposal,
    *,
    who: str,
    now_us: int,
) -> int:
    """Keep the layer and start its rollout; return the rollout's number, 0 where no gateway changes.

    Raises:
        RolloutRefused: meanwhile a gateway got another version, or another rollout works on one.
        LayerRefused: meanwhile somebody changed the layer.
    """
    layer = wanted.layer
    if layer_store.number_of(connection, layer.key) != layer.version - 1:
        raise LayerRefused("layer.refused.changed", layer=str(layer.key))
    layer_store.check_layers(connection)
    layer_store.add_version(connection, layer, who=who, now_us=now_us, reason=wanted.wish.reason)
    if wanted.proposal is None:
        return 0
    return start(connection, key, rules, wanted.proposal, wanted.wish, who=who, now_us=now_us)


def explained(connection: Connection, eui: str) -> list[Explained]:
    """Return each setting of a gateway with the layer that set it; empty: it has no configuration."""
    version, about = working_version(connection, eui), layer_store.load_abouts(connection).get(eui)
    if version is None or about is None:
        return []
    layers = layer_store.load_layers(connection).values()
    try:
        return explain(version.configuration, merge(version.configuration, layers, about))
    except (VariableMissing, ConfigurationError):
        return explain(version.configuration, merge(version.configuration, [], about))


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One setting that a gateway does not run as its layers say."""

    eui: str
    path: str
    origin: LayerKey
    desired: str
    runs: str
    why: str
    """``rollout``: one is under way; ``failed``: it rolled back or refused; ``waiting``: a version is on its
    way; ``none``: nobody sends it; ``variable``: the layers make no configuration any more."""
    rollout: int = 0
    reason: str = ""
    """What the gateway gave as its reason."""


def drift(connection: Connection) -> list[Drift]:
    """Return where layers are not in force, by gateway."""
    layers = list(layer_store.load_layers(connection).values())
    if not layers:
        return []
    known = working_versions(connection)
    abouts = layer_store.load_abouts(connection)
    busy = store.busy_gateways(connection)
    stands = statuses(connection, sorted(known))
    found: list[Drift] = []
    for eui in sorted(known.keys() & abouts.keys()):
        found += _drift_of(known[eui], abouts[eui], layers, stands.get(eui), busy.get(eui, 0))
    return found


def _drift_of(
    version: Version, about: About, layers: Sequence[Layer], status: ConfigurationStatus | None, rollout: int
) -> Iterator[Drift]:
    why, reason = _why(status, rollout)
    try:
        merged = merge(version.configuration, layers, about)
        wanted, chosen = flatten(merged.configuration), merged.chosen
    except (VariableMissing, ConfigurationError) as error:
        origin = LayerKey(Scope.GATEWAY, about.eui)
        name = str(error.args[0])
        yield Drift(eui=about.eui, path=name, origin=origin, desired="", runs="", why="variable")
        return
    runs = flatten(version.configuration)
    for path, origin in chosen.origin.items():
        if path in wanted and runs.get(path) != wanted[path]:
            yield Drift(
                eui=about.eui,
                path=path,
                origin=origin,
                desired=wanted[path],
                runs=runs.get(path, ""),
                why=why,
                rollout=rollout,
                reason=reason,
            )


def _why(status: ConfigurationStatus | None, rollout: int) -> tuple[str, str]:
    reported = None if status is None else status.reported
    if rollout:
        return "rollout", ""
    if reported is not None and reported.state in FAILED_STATES:
        return "failed", reported.reason
    if status is not None and reported is not None and reported.version != status.desired_version:
        return "waiting", ""
    return "none", ""
